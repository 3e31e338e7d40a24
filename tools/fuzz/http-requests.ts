/**
 * Malformed HTTP requests and WebSockets as bytes on a connection: mutations of real ones,
 * and heads and frames that are put together from hostile parts.
 */
import type { Random } from "../placement/random.ts";
import { mutatedText, randomBytes } from "./mutate.ts";

const TARGETS: readonly string[] = [
  ...["/", "/?room=ABCDEF&join", "/assets/main-abc123.js", "/favicon.svg", "/server.json"],
  ...["/models/", "/models/tiny%20model.gguf", "/models/a/b.gguf", "/v1/models", "/v1/models/x"],
  ...["/v1/chat/completions", "/v1/completions?room=ABCDEF", "/api/state", "/api/events?after=3"],
  ...["/api/placements/preview?model=tiny", "/peerjs/peerjs/id", "/bridge"],
  "/peerjs/peerjs?key=peerjs&id=tab-1&token=t",
  // Hostile ones.
  ...["//", "/%", "/%ff", "/%00", "/..%2f..%2fetc/passwd", "/models/..%2f..%2fpackage.json"],
  ...["*", "http://[", "http://evil.example/", "/\\", "?", `/${"a/".repeat(2000)}`, "/\u00e9"],
  ...["/v1/%E0%A4%A", "/api/state?__proto__=1&room=%", "/models/%2e%2e/x.gguf", "/assets"],
];
const METHODS: readonly string[] = [
  ...[
    "GET",
    "GET",
    "GET",
    "GET",
    "POST",
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "CONNECT",
    "get",
    "G T",
  ],
];
const HEADERS: readonly string[] = [
  ...["Host: localhost", "Host: 127.0.0.1", "Host: evil.example", "Host: [::1", "Host:", "X: y"],
  ...["Connection: close", "Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"],
  ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 99", "Sec-WebSocket-Key: x"],
  ...[
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Extensions: permessage-deflate",
  ],
  ...["Sec-WebSocket-Protocol: ,", "Origin: http://localhost", "Origin: null", "Origin: \u00e9"],
  ...["Content-Type: application/json", "Content-Type: text/plain", "Expect: 100-continue"],
  ...["Content-Length: 2", "Content-Length: -1", "Content-Length: 99999999999", "TE: trailers"],
  ...["Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Range: bytes=0-9"],
  ...["Range: bytes=9-0,1-2,-1", "If-Range: \u00ff", "If-None-Match: *", "Accept: \ud800"],
  ...["If-Modified-Since: x", "Authorization: Bearer x", "X-Tabmesh-Room: ABCDEF", "Cookie: ="],
  ...["Access-Control-Request-Method: POST", "Last-Event-ID: 99999999999999999999", ": empty"],
];
const BODIES: readonly string[] = [
  ...["", "{}", '{"model":"tiny","prompt":"hi"}', "2\r\n{}\r\n0\r\n\r\n", "fffffffff\r\n", "\0"],
];

const WEB_SOCKET_HEAD =
  "HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/** Messages of tabs, on either socket. */
const MESSAGES: readonly string[] = [
  `{"type":"claim","version":3,"room":"ABCDEF","epoch":1,"member":"a","publicKey":"${"A".repeat(43)}","signature":"${"A".repeat(86)}"}`,
  '{"type":"hello","version":1,"room":"ABCDEF","member":"a","epoch":1}',
  '{"type":"response","id":"1","status":200,"headers":{"content-type":"application/json"}}',
  '{"type":"chunk","id":"1","data":"x"}',
  '{"type":"OFFER","dst":"tabmesh-ABCDEF","payload":{"sdp":"v=0"}}',
  '{"type":"CANDIDATE","dst":"tab-2","payload":{"candidate":{}}}',
  '{"type":"HEARTBEAT"}',
  '{"type":"LEAVE"}',
];

/** The bytes of one connection. */
export function hostileConnection(random: Random): Buffer {
  return random.between(0, 1) < 0.7 ? hostileRequest(random) : hostileSocket(random);
}

function hostileRequest(random: Random): Buffer {
  const headers = Array.from({ length: random.whole(0, 6) }, () => random.pick(HEADERS));
  const target = random.pick(TARGETS);
  const usual = ["Host: localhost", ...headers];
  const lines = random.between(0, 1) < 0.7 ? usual : headers;
  const head = `${random.pick(METHODS)} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  const request = head + random.pick(BODIES);
  const isMutated = random.between(0, 1) < 0.6;
  return Buffer.from(isMutated ? mutatedText([request], random) : request, "latin1");
}

function hostileSocket(random: Random): Buffer {
  const target = random.pick(["/bridge", "/peerjs/peerjs?key=peerjs&id=tab-1&token=t"]);
  const path = random.between(0, 1) < 0.2 ? mutatedText([target], random) : target;
  const frames = Array.from({ length: random.whole(0, 4) }, () => frame(random));
  return Buffer.concat([Buffer.from(`GET ${path} ${WEB_SOCKET_HEAD}`, "latin1"), ...frames]);
}

/** A WebSocket frame (RFC 6455, 5.2), sometimes with bits, lengths, or bytes that it must not have. */
function frame(random: Random): Buffer {
  if (random.between(0, 1) < 0.1) return Buffer.from(randomBytes(random));
  const text = random.pick(MESSAGES);
  const isMutated = random.between(0, 1) < 0.6;
  const payload = Buffer.from(isMutated ? mutatedText([text], random) : text);
  const opcode = random.between(0, 1) < 0.8 ? 0x81 : random.whole(0, 255);
  const claimed = random.between(0, 1) < 0.9 ? payload.length : random.whole(0, 70_000);
  const length = Buffer.alloc(claimed < 126 ? 1 : 3);
  // Masked, as a client's frames must be, with a mask of zeros.
  length[0] = 0x80 | (claimed < 126 ? claimed : 126);
  if (claimed >= 126) length.writeUInt16BE(claimed & 0xffff, 1);
  return Buffer.concat([Buffer.of(opcode), length, Buffer.alloc(4), payload]);
}
