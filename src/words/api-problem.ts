/** Refused HTTP requests, in sentences: what is wrong and what to do. */
import {
  type ApiProblem,
  type UnsupportedFeature,
  ROOM_CODE_ALPHABET,
  ROOM_CODE_LENGTH,
} from "../shared/index.ts";
import { exactBytes } from "./quantities.ts";
import { namelessDescriber } from "./sentences.ts";

const UNSUPPORTED: Readonly<Record<UnsupportedFeature, string>> = {
  tools: "Tools are not supported.",
  response_format: 'Only the response format "text" is supported.',
  content_type: 'Only message content of type "text" is supported.',
  echo: "Echoing the prompt is not supported.",
  suffix: "Completing before a suffix is not supported.",
  best_of: "Only best_of = 1 is supported.",
  n: "Only n = 1 is supported. Send the request again for another answer.",
  logit_bias: "Logit biases are not supported.",
  several_prompts: "Only one prompt per request is supported.",
};

export const describeApiProblem = namelessDescriber<ApiProblem>({
  unknown_route: ({ path, routes }) =>
    `There is no route ${path}. The routes are ${routes.join(", ")}.`,
  method_not_allowed: ({ path, method, allowed }) =>
    `${path} accepts ${allowed.join(", ")}, not ${method}.`,
  invalid_json: ({ detail }) => `The body is not JSON: ${detail}.`,
  invalid_value: ({ param, detail }) => (param === null ? `${detail}.` : `${param}: ${detail}.`),
  unsupported_value: ({ feature }) => UNSUPPORTED[feature],
  model_not_found: ({ model, known }) => {
    const name = model === null ? "" : ` named ${model}`;
    const help =
      known.length > 0
        ? `It can load ${known.join(", ")}.`
        : "Give the URL of a GGUF file, or put a file in the server's models folder.";
    return `The room has no model${name}. ${help}`;
  },
  body_too_large: ({ maxBytes }) =>
    `The body is larger than ${exactBytes(maxBytes)}. Send a shorter prompt.`,
  body_incomplete: () => "The body did not arrive completely.",
  rate_limited: ({ retryAfterS }) =>
    `There are too many requests from this address. Try again in ${retryAfterS} s.`,
  room_busy: ({ room, maxRequests, retryAfterS }) =>
    `Room ${room} is answering ${maxRequests} requests. Try again in ${retryAfterS} s.`,
  no_room: () => "No room is open on this server. Open the server's page and open a room.",
  room_required: ({ rooms }) =>
    `${rooms} rooms are open on this server. Name one with ?room=CODE or the header X-Tabmesh-Room.`,
  bad_room_code: ({ given }) =>
    `"${given}" is not a room code. A code has ${ROOM_CODE_LENGTH} characters of ${ROOM_CODE_ALPHABET}.`,
  no_such_room: ({ room }) =>
    `Room ${room} has no member that is connected to this server. Check the code, and open the room's page from this server.`,
  coordinator_gone: () =>
    "The room's coordinator left before the answer was complete. Send the request again.",
  invalid_answer: () =>
    "The room's coordinator sent an answer that is neither JSON nor an event stream.",
  invalid_target: () => "The request's target is not a path that begins with a slash.",
  invalid_host: () => "The request needs one Host header with the server's name or address.",
  unknown_host: ({ host }) =>
    `${host} is not an address of this server. Use an address that it printed, or start it with --host and this name.`,
  foreign_origin: ({ origin }) =>
    `Pages of ${origin} may not use this server. Start it with --allow-origin and this origin to allow them.`,
  cross_site: () =>
    "Other pages may only link to this server's page. Use fetch from an origin that the server allows with --allow-origin.",
  not_json: ({ contentType }) =>
    contentType === null
      ? "The request needs the content type application/json."
      : `The content type must be application/json, not ${contentType}.`,
  code_missing: () =>
    "From another machine, the API requires the room's code. Send it as an OpenAI client sends its API key: Authorization: Bearer CODE.",
  code_wrong: () =>
    "No room with this code is open on this server. Check the code in Authorization: Bearer CODE.",
  key_missing: () =>
    "This server requires its API key. Send it in the header Authorization: Bearer KEY.",
  key_wrong: () => "The API key is wrong. The server was started with another --api-key.",
});
