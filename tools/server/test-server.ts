/** A real server on a free port, with a small page and a small model to serve. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer, type RunningServer, type ServerOptions } from "../../server/server.ts";

export const MODEL_BYTES = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

export type TestServer = RunningServer & { readonly url: string; readonly directory: string };

export type TestServerOptions = Pick<
  ServerOptions,
  "iceServers" | "hosts" | "allowOrigins" | "apiKey" | "limits"
> & { readonly lan?: boolean };

export async function openTestServer({
  lan = false,
  iceServers = [],
  ...access
}: TestServerOptions = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "tabmesh-server-"));
  const page = join(directory, "dist");
  const models = join(directory, "models");
  await mkdir(join(page, "assets"), { recursive: true });
  await mkdir(models);
  await writeFile(join(page, "index.html"), "<title>Tabmesh</title>");
  await writeFile(join(page, "assets", "main-abc123.js"), "export {};");
  await writeFile(join(models, "tiny model.gguf"), MODEL_BYTES);
  await writeFile(join(models, "half.gguf.part"), "not whole");
  const lanCertificate = lan ? join(directory, "certificate") : null;
  const server = await openServer({ port: 0, page, models, lanCertificate, iceServers, ...access });
  return {
    ...server,
    url: `http://127.0.0.1:${server.port}`,
    directory,
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
