import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import https from "node:https";
import http from "node:http";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { busyPortMessage, parseArguments } from "../../server/arguments.mjs";
import { getCertificate } from "../../server/certificate.ts";
import { lanAddresses } from "../../server/lan-addresses.ts";
import { PortBusyError } from "../../server/listen.ts";
import { openServer } from "../../server/server.ts";
import { openTestServer } from "../../tools/server/test-server.ts";

/** What `npm start` without arguments means. */
const RUN = { kind: "run", port: 8787, lan: false, hosts: [], allowOrigins: [], apiKey: null };

describe("arguments", () => {
  test.each([
    [[], {}, RUN],
    [[], { PORT: "9000" }, { ...RUN, port: 9000 }],
    [["--port", "9001"], { PORT: "9000" }, { ...RUN, port: 9001 }],
    [["--lan", "--port=0"], {}, { ...RUN, port: 0, lan: true }],
    [["--host", "a.example", "--host=b"], {}, { ...RUN, hosts: ["a.example", "b"] }],
    [
      ["--allow-origin=https://a.example", "--allow-origin", "http://localhost:5173"],
      {},
      { ...RUN, allowOrigins: ["https://a.example", "http://localhost:5173"] },
    ],
    [["--api-key", "k1"], { TABMESH_API_KEY: "k2" }, { ...RUN, apiKey: "k1" }],
    [[], { TABMESH_API_KEY: "k2" }, { ...RUN, apiKey: "k2" }],
    [[], { TABMESH_API_KEY: "" }, RUN],
    [["--help"], {}, { kind: "help" }],
  ])("%j with %j", (words, environment, expected) => {
    expect(parseArguments(words, environment)).toEqual(expected);
  });

  test.each([
    [["--lna"], {}, "'--lna'"],
    [["--lan=yes"], {}, "'--lan'"],
    [["lan"], {}, "'lan'"],
    [["--port", "80a"], {}, "--port must be"],
    [["--port"], {}, "'--port <value>'"],
    [["--port", "65536"], {}, "--port must be"],
    [[], { PORT: "no" }, "PORT must be"],
    [["--host", "https://a.example"], {}, "--host must be"],
    [["--host", "a.example:80"], {}, "--host must be"],
    [["--allow-origin", "*"], {}, "--allow-origin must be"],
    [["--allow-origin", "null"], {}, "--allow-origin must be"],
    [["--allow-origin", "https://a.example/"], {}, "--allow-origin must be"],
    [["--allow-origin", "a.example"], {}, "--allow-origin must be"],
    [["--api-key", ""], {}, "--api-key must be"],
    [[], { TABMESH_API_KEY: "two words" }, "TABMESH_API_KEY must be"],
  ])("%j with %j is refused in one line with the usage", (words, environment, part) => {
    const parsed = parseArguments(words, environment);
    expect(parsed).toMatchObject({ kind: "bad", message: expect.stringContaining(part) as string });
    const { message } = parsed as { message: string };
    expect(message).toContain("usage: npm start");
    expect(message).not.toContain("\n");
  });
});

describe("a busy port", () => {
  test("is a PortBusyError", async () => {
    const first = await openTestServer();
    const options = { page: ".", models: ".", lanCertificate: null, port: first.port };
    await expect(openServer(options)).rejects.toBeInstanceOf(PortBusyError);
    await first.close();
  });

  test.each([
    ["server/main.ts", ["--import", "tsx", "server/main.ts"]],
    ["npm start", ["scripts/start.mjs"]],
  ])("gets one line from %s that says what to do", async (_name, command) => {
    const first = await openTestServer();
    const { code, errors } = await runNode([...command, "--port", String(first.port)]);
    await first.close();
    expect(code).toBe(1);
    expect(errors.trim()).toBe(busyPortMessage(first.port));
  });
});

test("npm start rejects bad arguments with one line, before it installs anything", async () => {
  const { code, errors } = await runNode(["scripts/start.mjs", "--prot", "1"]);
  expect(code).toBe(1);
  expect(errors.trim().split("\n")).toHaveLength(1);
  expect(errors).toContain("'--prot'");
});

describe("--lan", () => {
  test("serves HTTPS and HTTP on one port, and redirects other machines to HTTPS", async () => {
    const server = await openTestServer({ lan: true });
    const secure = await request(https, `https://127.0.0.1:${server.port}/`);
    expect(secure).toMatchObject({ status: 200, body: "<title>Tabmesh</title>" });
    const plain = await request(http, `http://127.0.0.1:${server.port}/`);
    expect(plain.status).toBe(200);
    for (const address of lanAddresses()) {
      expect(server.addresses).toContain(`https://${address}:${server.port}`);
      const sent = await request(http, `http://${address}:${server.port}/?room=ABCDEF`);
      expect(sent.status).toBe(308);
      expect(sent.location).toBe(`https://${address}:${server.port}/?room=ABCDEF`);
    }
    await server.close();
  });

  test("keeps its certificate until an address changes or it is about to expire", async () => {
    const server = await openTestServer();
    const directory = join(server.directory, "kept");
    const first = await getCertificate(directory, ["192.168.1.5"]);
    expect(await getCertificate(directory, ["192.168.1.5"])).toEqual(first);
    expect(await readFile(join(directory, "certificate.pem"), "utf8")).toBe(first.cert);
    expect((await stat(join(directory, "key.pem"))).mode & 0o077).toBe(0);
    const moved = await getCertificate(directory, ["192.168.1.6"]);
    expect(moved.cert).not.toBe(first.cert);
    expect(new X509Certificate(moved.cert).checkIP("192.168.1.6")).toBe("192.168.1.6");
    const nextYear = new Date(Date.now() + 395 * 24 * 60 * 60 * 1000);
    expect((await getCertificate(directory, ["192.168.1.6"], nextYear)).cert).not.toBe(moved.cert);
    await server.close();
  });

  test("finds the addresses at which other machines reach this one", () => {
    const entry = (address: string, family: "IPv4" | "IPv6", internal = false) =>
      ({ address, family, internal, netmask: "", mac: "", cidr: null, scopeid: 0 }) as never;
    const loopback = { lo: [entry("127.0.0.1", "IPv4", true)] };
    const wifi = { wlan0: [entry("192.168.1.5", "IPv4"), entry("fe80::1", "IPv6")] };
    const linkLocal = { eth0: [entry("169.254.7.7", "IPv4")] };
    expect(lanAddresses({ ...loopback, ...wifi, ...linkLocal })).toEqual(["192.168.1.5"]);
    expect(lanAddresses({ ...loopback, ...linkLocal })).toEqual(["169.254.7.7"]);
    expect(lanAddresses(loopback)).toEqual([]);
  });
});

async function runNode(words: readonly string[]): Promise<{ code: number | null; errors: string }> {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, errors };
}

function request(module: typeof http | typeof https, url: string) {
  return new Promise<{ status: number; body: string; location: string | undefined }>(
    (resolve, reject) => {
      const options = { rejectUnauthorized: false, agent: false as const };
      module
        .get(url, options, (response) => {
          let body = "";
          response.on("data", (data: Buffer) => (body += data.toString()));
          const { statusCode, headers } = response;
          response.on("end", () =>
            resolve({ status: statusCode ?? 0, body, location: headers.location }),
          );
        })
        .on("error", reject);
    },
  );
}
