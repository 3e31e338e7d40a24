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
  return `usage: ${command} [--lan] [--port NUMBER] [--host NAME]... [--allow-origin ORIGIN]... [--api-key KEY]`;
}

/**
 * @param {readonly string[]} words the arguments after the script's name
 * @param {{ PORT?: string | undefined, TABMESH_API_KEY?: string | undefined }} environment
 * @returns {import("./arguments.mjs").StartArguments} with `kind: "bad"`, one line that says what to do
 */
export function parseArguments(words, environment, command = NPM_START) {
  const bad = (/** @type {string} */ message) =>
    /** @type {const} */ ({ kind: "bad", message: `${message}; ${usage(command)}` });
  const options = /** @type {const} */ ({
    lan: { type: "boolean" },
    port: { type: "string" },
    host: { type: "string", multiple: true },
    "allow-origin": { type: "string", multiple: true },
    "api-key": { type: "string" },
    help: { type: "boolean", short: "h" },
  });
  let values;
  try {
    ({ values } = parseArgs({ args: [...words], options }));
  } catch (error) {
    // Node adds sentences about positional arguments, which do not exist here.
    return bad(/** @type {Error} */ (error).message.split(/\. |\n/, 1)[0] ?? "");
  }
  if (values.help) return { kind: "help" };
  const port = values.port ?? environment.PORT ?? String(DEFAULT_PORT);
  if (!/^\d{1,5}$/.test(port) || Number(port) > MAX_PORT) {
    const name = values.port === undefined ? "PORT" : "--port";
    return bad(`${name} must be a number from 0 to ${MAX_PORT}, not "${port}"`);
  }
  const { host: hosts = [], "allow-origin": allowOrigins = [], lan = false } = values;
  const apiKey = values["api-key"] ?? (environment.TABMESH_API_KEY || null);
  const problem = accessProblem(hosts, allowOrigins, apiKey, values["api-key"] !== undefined);
  if (problem !== null) return bad(problem);
  return { kind: "run", port: Number(port), lan, hosts, allowOrigins, apiKey };
}

/**
 * What is wrong with the values that say who may talk to the server; null if nothing.
 * @param {readonly string[]} hosts
 * @param {readonly string[]} origins
 * @param {string | null} apiKey
 * @param {boolean} isFlag whether the key is from the flag, and not from the environment
 */
function accessProblem(hosts, origins, apiKey, isFlag) {
  const host = hosts.find((name) => !/^[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(name));
  if (host !== undefined) {
    return `--host must be a name or an IPv4 address such as tabmesh.example, without https:// and without a port, not "${host}"`;
  }
  const origin = origins.find((value) => !isOrigin(value));
  if (origin !== undefined) {
    return `--allow-origin must be one origin such as https://example.org, without a path, not "${origin}"`;
  }
  // The message does not repeat the key: terminals are logged.
  if (apiKey !== null && !/^[\x21-\x7e]+$/.test(apiKey)) {
    return `${isFlag ? "--api-key" : "TABMESH_API_KEY"} must be printable ASCII characters without spaces`;
  }
  return null;
}

/** Exactly as a browser sends it, because it is compared as text. */
function isOrigin(/** @type {string} */ text) {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** One line about a port that another program listens on. */
export function busyPortMessage(/** @type {number} */ port, command = NPM_START) {
  const other = port < MAX_PORT ? port + 1 : DEFAULT_PORT;
  return `Port ${port} is in use, perhaps by another Tabmesh server. Stop that program, or choose another port with ${command} --port ${other}`;
}
