/** Runs the server until a signal ends it. Prints its addresses, one per line. */
import { busyPortMessage, parseArguments, usage } from "./arguments.mjs";
import { iceServersOf } from "./ice-servers.ts";
import { PortBusyError } from "./listen.ts";
import { openServer } from "./server.ts";

export type RunOptions = {
  /** How a person starts it: part of its messages. */
  readonly command: string;
  /** The directory of the built page. */
  readonly page: string;
  /** The directory of GGUF files. */
  readonly models: string;
  /** The directory that keeps the certificate of `--lan`. */
  readonly certificate: string;
};

/** Reads the process's arguments and environment. */
export async function runServer({ command, page, models, certificate }: RunOptions): Promise<void> {
  const options = parseArguments(process.argv.slice(2), process.env, command);
  if (options.kind === "help") return console.log(usage(command));
  if (options.kind === "bad") return giveUp(options.message);
  const iceServers = iceServersOf(process.env["ICE_SERVERS"]);
  if (typeof iceServers === "string") return giveUp(iceServers);
  const { port, lan, hosts, allowOrigins, apiKey } = options;
  try {
    const lanCertificate = lan ? certificate : null;
    const access = { hosts, allowOrigins, apiKey };
    const server = await openServer({ iceServers, port, page, models, lanCertificate, ...access });
    for (const address of server.addresses) console.log(address);
    const stop = () => void server.close().then(() => process.exit(0));
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  } catch (error) {
    if (error instanceof PortBusyError) return giveUp(busyPortMessage(error.port, command));
    throw error;
  }
}

function giveUp(message: string): void {
  console.error(message);
  process.exit(1);
}
