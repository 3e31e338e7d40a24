/** Reading by URL from a real server: ranges, redirects, and everything that goes wrong. */
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/model/model-error.ts";
import { openModel } from "../../src/model/open-model.ts";
import { openUrl, type UrlSourceOptions } from "../../src/model/url-source.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";

const file = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const soon: UrlSourceOptions = { retryDelayMs: 1 };

async function refusal(promise: Promise<unknown>): Promise<ModelError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof ModelError))
    throw new Error(`expected a ModelError, not ${String(error)}`);
  return error;
}

describe("a server with range requests", () => {
  test("sends exactly the bytes that are asked for", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url);
    expect(source.fileBytes).toBe(file.length);
    expect(await source.read(1234, 5678)).toEqual(file.slice(1234, 1234 + 5678));
    expect(await source.read(file.length - 1, 1)).toEqual(file.slice(-1));
    expect(await source.read(0, 0)).toEqual(new Uint8Array(0));
    expect(server.requests).toEqual(["bytes=0-0", "bytes=1234-6911", "bytes=99999-99999"]);
  });

  test("is followed through a redirect", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url.replace("/model.gguf", "/redirect"));
    expect(await source.read(10, 20)).toEqual(file.slice(10, 30));
  });

  test("may hide the file's length behind CORS: HEAD tells it", async () => {
    await using server = await startRangeServer(file);
    const hideRange: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      const headers = new Headers(response.headers);
      headers.delete("content-range");
      return new Response(response.body, { status: response.status, headers });
    };
    const source = await openUrl(server.url, { fetch: hideRange });
    expect(source.fileBytes).toBe(file.length);
    expect(await source.read(5, 5)).toEqual(file.slice(5, 10));
  });

  test("a model's header takes its own bytes and not the weights'", async () => {
    const bytes = tinyModel();
    const padded = new Uint8Array(8 << 20);
    padded.set(bytes);
    await using server = await startRangeServer(padded);
    const { summary } = await openModel(await openUrl(server.url), {
      kind: "url",
      url: server.url,
    });
    expect(summary.fileBytes).toBe(padded.length);
    expect(server.bytesSent).toBeLessThan(2.1 * 2 ** 20);
  });
});

describe("a download that breaks off", () => {
  test("goes on where it stopped", async () => {
    await using server = await startRangeServer(file, { breakAfterBytes: 30_000, breaks: 3 });
    const notices: string[] = [];
    const source = await openUrl(server.url, { ...soon, onNotice: (text) => notices.push(text) });
    expect(await source.read(0, file.length)).toEqual(file);
    expect(notices).toHaveLength(3);
    expect(notices[0]).toMatch(/broke off .* goes on/);
    const starts = server.requests.slice(1).map((range) => Number(/=(\d+)-/.exec(range)?.[1]));
    expect(starts).toEqual([0, 30_000, 60_000, 90_000]);
    expect(server.bytesSent).toBe(file.length + 1); // and the first byte, to open
  });

  test("survives an overloaded server", async () => {
    await using server = await startRangeServer(file, { unavailable: 2 });
    const source = await openUrl(server.url, soon);
    server.behaviour.unavailable = 4;
    expect(await source.read(0, 100)).toEqual(file.slice(0, 100));
  });

  test("is asked for again when nothing comes", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url, { ...soon, stallTimeoutMs: 100 });
    server.behaviour.stalls = 2;
    expect(await source.read(0, 100)).toEqual(file.slice(0, 100));
  });

  test("is given up when it never gets further", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url, soon);
    server.behaviour.stalls = 0;
    server.behaviour.breakAfterBytes = 0;
    server.behaviour.breaks = 1000;
    expect((await refusal(source.read(0, 100))).reason).toBe("unreachable");
    expect(server.behaviour.breaks).toBe(1000 - 6);
  });

  test("is not mixed with a newer file", async () => {
    let tag = '"one"';
    await using server = await startRangeServer(file, { etag: () => tag });
    const source = await openUrl(server.url, soon);
    tag = '"two"';
    expect((await refusal(source.read(0, 100))).message).toMatch(/changed while it was read/);
  });
});

describe("a server without range requests", () => {
  test("sends everything once, and reads share it", async () => {
    await using server = await startRangeServer(file, { ranges: false });
    const notices: string[] = [];
    const source = await openUrl(server.url, { onNotice: (text) => notices.push(text) });
    const [late, early] = await Promise.all([source.read(90_000, 10_000), source.read(0, 10)]);
    expect(late).toEqual(file.slice(90_000));
    expect(early).toEqual(file.slice(0, 10));
    expect(server.requests).toHaveLength(1);
    expect(notices.join()).toMatch(/cannot send parts of a file, so all 0.1 MB are downloaded/);
  });

  test("that ends early is called truncated", async () => {
    await using server = await startRangeServer(file, { ranges: false, shortBy: 1000 });
    const source = await openUrl(server.url);
    const error = await refusal(source.read(99_500, 100));
    expect(error.reason).toBe("truncated");
    expect(error.message).toMatch(/broke off after \d+ of 100000 bytes/);
  });
});

describe("what cannot be read says why", () => {
  test.each([
    [404, "not_found", /no file at .*HTTP 404.*Check the address/],
    [403, "refused", /refuses .*HTTP 403.*open it from disk/],
    [418, "refused", /HTTP 418/],
    [500, "unreachable", /HTTP 500.*Try again later/],
  ])("HTTP %i", async (status, reason, message) => {
    await using server = await startRangeServer(file, { status });
    const error = await refusal(openUrl(server.url, soon));
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(message);
  });

  test("a server that is not there", async () => {
    const server = await startRangeServer(file);
    await server[Symbol.asyncDispose]();
    const error = await refusal(openUrl(server.url, soon));
    expect(error.reason).toBe("unreachable");
    expect(error.message).toMatch(/cannot be reached .*Check the address and the network/);
  });

  test("an empty file", async () => {
    await using server = await startRangeServer(new Uint8Array(0));
    expect((await refusal(openUrl(server.url, soon))).reason).toBe("truncated");
  });

  test.each(["not an address", "ftp://host/file.gguf", "file:///etc/passwd"])("%s", async (url) => {
    expect((await refusal(openUrl(url))).message).toMatch(/is not a web address/);
  });

  test("a read past the end", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url);
    expect((await refusal(source.read(99_999, 2))).reason).toBe("truncated");
    expect((await refusal(source.read(-1, 2))).reason).toBe("truncated");
    expect((await refusal(source.read(0, NaN))).reason).toBe("truncated");
  });
});
