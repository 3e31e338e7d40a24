/**
 * What `npm start -- …` understands. Plain JavaScript, because it runs before
 * the dependencies are installed: a typing mistake must not cost an install.
 */

/** The port when neither `--port` nor `PORT` names one. */
export const DEFAULT_PORT = 8787;

export const USAGE = "usage: npm start -- [--lan] [--port NUMBER]";

/**
 * @param {readonly string[]} words the arguments after the script's name
 * @param {{ PORT?: string | undefined }} environment
 * @returns {import("./arguments.mjs").StartArguments} with `kind: "bad"`, one line that says what to do
 */
export function parseArguments(words, environment) {
  let port = environment.PORT ?? String(DEFAULT_PORT);
  let portName = "PORT";
  let lan = false;
  for (let index = 0; index < words.length; index += 1) {
    const [name, inline] = splitOnce(words[index] ?? "");
    if (name === "--help" || name === "-h") return { kind: "help" };
    else if (name === "--lan" && inline === undefined) lan = true;
    else if (name === "--port") {
      port = inline ?? words[++index] ?? "";
      portName = "--port";
    } else return bad(`"${words[index]}" is not an argument of npm start; ${USAGE}`);
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) {
    return bad(`${portName} must be a number from 0 to 65535, not "${port}"; ${USAGE}`);
  }
  return { kind: "run", port: Number(port), lan };
}

/** "--port=80" is "--port" and "80". */
function splitOnce(/** @type {string} */ word) {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** @returns {{ kind: "bad", message: string }} */
function bad(/** @type {string} */ message) {
  return { kind: "bad", message };
}

/** The one line for a port that something else listens on. */
export function busyPortMessage(/** @type {number} */ port) {
  return `Port ${port} is in use (perhaps by another npm start): stop that program, or choose another port with npm start -- --port ${port < 65535 ? port + 1 : DEFAULT_PORT}`;
}
