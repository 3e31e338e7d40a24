/**
 * The arguments of `npm start` and of the package's bin. Plain JavaScript without
 * dependencies, because it runs before they are installed: a typing mistake must
 * not cost an install.
 */
import { parseArgs } from "node:util";

/** The port if neither `--port` nor `PORT` names one. */
export const DEFAULT_PORT = 8787;

/** How a clone starts the server. */
export const NPM_START = "npm start --";

const MAX_PORT = 65535;

export function usage(command = NPM_START) {
  return `usage: ${command} [--lan] [--port NUMBER]`;
}

/**
 * @param {readonly string[]} words the arguments after the script's name
 * @param {{ PORT?: string | undefined }} environment
 * @returns {import("./arguments.mjs").StartArguments} with `kind: "bad"`, one line that says what to do
 */
export function parseArguments(words, environment, command = NPM_START) {
  const bad = (/** @type {string} */ message) =>
    /** @type {const} */ ({ kind: "bad", message: `${message}; ${usage(command)}` });
  const options = /** @type {const} */ ({
    lan: { type: "boolean" },
    port: { type: "string" },
    help: { type: "boolean", short: "h" },
  });
  let values;
  try {
    ({ values } = parseArgs({ args: [...words], options }));
  } catch (error) {
    // Node adds sentences about positional arguments, which there are none of.
    return bad(/** @type {Error} */ (error).message.split(/\. |\n/, 1)[0] ?? "");
  }
  if (values.help) return { kind: "help" };
  const port = values.port ?? environment.PORT ?? String(DEFAULT_PORT);
  if (!/^\d{1,5}$/.test(port) || Number(port) > MAX_PORT) {
    const name = values.port === undefined ? "PORT" : "--port";
    return bad(`${name} must be a number from 0 to ${MAX_PORT}, not "${port}"`);
  }
  return { kind: "run", port: Number(port), lan: values.lan ?? false };
}

/** One line about a port that another program listens on. */
export function busyPortMessage(/** @type {number} */ port, command = NPM_START) {
  const other = port < MAX_PORT ? port + 1 : DEFAULT_PORT;
  return `Port ${port} is in use, perhaps by another Tabmesh server. Stop that program, or choose another port with ${command} --port ${other}`;
}
