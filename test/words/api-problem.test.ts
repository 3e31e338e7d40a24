import { expect, test } from "vitest";
import type { ApiProblem } from "../../src/shared/api-problem.ts";
import { RoomCode } from "../../src/shared/ids.ts";
import { describeApiProblem } from "../../src/words/index.ts";

test.each<[ApiProblem, string]>([
  [
    { reason: "unknown_route", path: "/v1/nothing", routes: ["/v1/models", "/api/state"] },
    "There is no route /v1/nothing. The routes are /v1/models, /api/state.",
  ],
  [
    { reason: "method_not_allowed", path: "/v1/models", method: "PUT", allowed: ["GET"] },
    "/v1/models accepts GET, not PUT.",
  ],
  [
    { reason: "invalid_json", detail: "Unexpected end of JSON input" },
    "The body is not JSON: Unexpected end of JSON input.",
  ],
  [
    {
      reason: "invalid_value",
      param: "temperature",
      detail: "Too small: expected number to be >=0",
    },
    "temperature: Too small: expected number to be >=0.",
  ],
  [{ reason: "invalid_value", param: null, detail: "expected object" }, "expected object."],
  [
    { reason: "unsupported_value", param: "n", feature: "n" },
    "Only n = 1 is supported. Send the request again for another answer.",
  ],
  [
    { reason: "model_not_found", model: "huge", known: ["tiny", "small"] },
    "The room has no model named huge. It can load tiny, small.",
  ],
  [
    { reason: "model_not_found", model: null, known: [] },
    "The room has no model. Give the URL of a GGUF file, or put a file in the server's models folder.",
  ],
  [
    { reason: "body_too_large", maxBytes: 4096 },
    "The body is larger than 4,096 bytes. Send a shorter prompt.",
  ],
  [
    { reason: "invalid_answer" },
    "The room's coordinator sent an answer that is neither JSON nor an event stream.",
  ],
  [
    { reason: "no_room" },
    "No room is open on this server. Open the server's page and open a room.",
  ],
  [
    { reason: "room_required", rooms: 2 },
    "2 rooms are open on this server. Name one with ?room=CODE or the header X-Tabmesh-Room.",
  ],
  [
    { reason: "bad_room_code", given: "ABC" },
    '"ABC" is not a room code. A code has 6 characters of ABCDEFGHJKMNPQRSTUVWXYZ23456789.',
  ],
  [
    { reason: "no_such_room", room: RoomCode.parse("ABCDEF") },
    "Room ABCDEF has no member that is connected to this server. Check the code, and open the room's page from this server.",
  ],
  [
    { reason: "coordinator_gone" },
    "The room's coordinator left before the answer was complete. Send the request again.",
  ],
  [{ reason: "invalid_target" }, "The request's target is not a path that begins with a slash."],
  [
    { reason: "invalid_host" },
    "The request needs one Host header with the server's name or address.",
  ],
  [
    { reason: "unknown_host", host: "evil.example" },
    "evil.example is not an address of this server. Use an address that it printed, or start it with --host and this name.",
  ],
  [
    { reason: "foreign_origin", origin: "https://evil.example" },
    "Pages of https://evil.example may not use this server. Start it with --allow-origin and this origin to allow them.",
  ],
  [
    { reason: "cross_site" },
    "Other pages may only link to this server's page. Use fetch from an origin that the server allows with --allow-origin.",
  ],
  [
    { reason: "not_json", contentType: "text/plain" },
    "The content type must be application/json, not text/plain.",
  ],
  [
    { reason: "not_json", contentType: null },
    "The request needs the content type application/json.",
  ],
  [
    { reason: "key_missing" },
    "This server requires its API key. Send it in the header Authorization: Bearer KEY.",
  ],
  [{ reason: "key_wrong" }, "The API key is wrong. The server was started with another --api-key."],
])("%j", (problem, sentence) => {
  expect(describeApiProblem(problem)).toBe(sentence);
});
