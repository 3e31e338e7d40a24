/** The server of a load, in a process of its own, so that the bench's own work is not counted with it. */
import { openServer, type ServerOptions } from "../../server/server.ts";

process.on("disconnect", () => process.exit()); // the bench has ended
const { addresses } = await openServer(JSON.parse(process.argv[2]!) as ServerOptions);
process.send!(addresses[0]);
