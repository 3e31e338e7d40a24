/** Reading by URL from a real server: ranges, redirects, and everything that goes wrong. */
import { describe, expect, test } from "vitest";
import type { ModelNotice } from "../../src/shared/model-failure.ts";
import { openModel } from "../../src/model/open-model.ts";
import { openUrl, type UrlSourceOptions } from "../../src/model/url-source.ts";
import { tinyModel } from "../../tools/gguf/tiny-gguf.ts";
import { startRangeServer } from "../../tools/gguf/range-server.ts";

const file = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const soon: UrlSourceOptions = { retryDelayMs: 1 };

const failsWith = (promise: Promise<unknown>, failure: object) =>
  expect(promise).rejects.toMatchObject({ failure });

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

  test("opening a model reads the header's bytes and not the weights'", async () => {
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

describe("an interrupted download", () => {
  test("resumes where it stopped", async () => {
    await using server = await startRangeServer(file, { breakAfterBytes: 30_000, breaks: 3 });
    const notices: ModelNotice[] = [];
    const onNotice = (notice: ModelNotice) => notices.push(notice);
    const source = await openUrl(server.url, { ...soon, onNotice });
    expect(await source.read(0, file.length)).toEqual(file);
    expect(notices).toHaveLength(3);
    expect(notices[0]).toMatchObject({ notice: "download_resumed", url: server.url });
    const starts = server.requests.slice(1).map((range) => Number(/=(\d+)-/.exec(range)?.[1]));
    expect(starts).toEqual([0, 30_000, 60_000, 90_000]);
    expect(server.bytesSent).toBe(file.length + 1); // and the first byte, to open
  });

  test("does not report that it resumed while its server is gone", async () => {
    await using server = await startRangeServer(file, { outageAfterBytes: 30_000 });
    const notices: ModelNotice[] = [];
    const onNotice = (notice: ModelNotice) => notices.push(notice);
    const source = await openUrl(server.url, { ...soon, onNotice });
    await expect(source.read(0, file.length)).rejects.toMatchObject({
      failure: { reason: "url_unreachable" },
    });
    expect(notices).toEqual([]);
    await server.restore();
    expect(await source.read(0, file.length)).toEqual(file);
  });

  test("survives an overloaded server", async () => {
    await using server = await startRangeServer(file, { unavailable: 2 });
    const source = await openUrl(server.url, soon);
    server.behavior.unavailable = 4;
    expect(await source.read(0, 100)).toEqual(file.slice(0, 100));
  });

  test("is requested again when nothing arrives", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url, { ...soon, stallTimeoutMs: 100 });
    server.behavior.stalls = 2;
    expect(await source.read(0, 100)).toEqual(file.slice(0, 100));
  });

  test("is abandoned after six attempts without a byte", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url, soon);
    server.behavior.stalls = 0;
    server.behavior.breakAfterBytes = 0;
    server.behavior.breaks = 1000;
    await failsWith(source.read(0, 100), { reason: "url_unreachable", url: server.url });
    expect(server.behavior.breaks).toBe(1000 - 6);
  });

  test("is not mixed with a newer file", async () => {
    let tag = '"one"';
    await using server = await startRangeServer(file, { etag: () => tag });
    const source = await openUrl(server.url, soon);
    tag = '"two"';
    await failsWith(source.read(0, 100), { reason: "file_changed", url: server.url });
  });
});

describe("a URL that cannot be read has its reason", () => {
  test.each([404, 403, 418, 500])("HTTP %i", async (status) => {
    await using server = await startRangeServer(file, { status });
    await failsWith(openUrl(server.url, soon), { reason: "http_status", url: server.url, status });
    const attempts = status === 500 ? 3 : 1;
    expect(server.requests).toHaveLength(attempts);
  });

  test("a server that is not there", async () => {
    const server = await startRangeServer(file);
    await server[Symbol.asyncDispose]();
    const { host } = new URL(server.url);
    await failsWith(openUrl(server.url, soon), { reason: "url_unreachable", host });
  });

  test("a server without range requests", async () => {
    await using server = await startRangeServer(file, { ranges: false });
    await failsWith(openUrl(server.url, soon), { reason: "no_range_requests", url: server.url });
    expect(server.requests).toHaveLength(1);
  });

  test("an empty file", async () => {
    await using server = await startRangeServer(new Uint8Array(0));
    await failsWith(openUrl(server.url, soon), { reason: "http_status", status: 416 });
  });

  test.each(["not an address", "ftp://host/file.gguf", "file:///etc/passwd"])("%s", async (url) => {
    await failsWith(openUrl(url), { reason: "not_a_web_address", url });
  });

  test("a read past the end", async () => {
    await using server = await startRangeServer(file);
    const source = await openUrl(server.url);
    for (const [offset, length] of [
      [99_999, 2],
      [-1, 2],
      [0, NaN],
    ] as const)
      await failsWith(source.read(offset, length), { reason: "read_past_end", fileBytes: 100_000 });
  });
});
