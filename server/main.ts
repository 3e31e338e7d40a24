/** Runs the server: `tsx server/main.ts [--lan] [--port NUMBER]`; prints its addresses, one a line. */
import { join } from "node:path";
import { busyPortMessage, parseArguments, USAGE } from "./arguments.mjs";
import { iceServersOf } from "./ice-servers.ts";
import { PortBusyError } from "./listen.ts";
import { openServer } from "./server.ts";

const ROOT = join(import.meta.dirname, "..");

async function main(): Promise<void> {
  const options = parseArguments(process.argv.slice(2), process.env);
  if (options.kind === "help") return console.log(USAGE);
  if (options.kind === "bad") return giveUp(options.message);
  const iceServers = iceServersOf(process.env["ICE_SERVERS"]);
  if (typeof iceServers === "string") return giveUp(iceServers);
  try {
    const server = await openServer({
      iceServers,
      port: options.port,
      page: join(ROOT, "dist"),
      models: join(ROOT, "models"),
      lanCertificate: options.lan ? join(ROOT, ".certificate") : null,
    });
    for (const address of server.addresses) console.log(address);
    const stop = () => void server.close().then(() => process.exit(0));
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  } catch (error) {
    if (error instanceof PortBusyError) return giveUp(busyPortMessage(error.port));
    throw error;
  }
}

function giveUp(message: string): void {
  console.error(message);
  process.exit(1);
}

await main();
