/** Refused HTTP requests, in sentences: what is wrong and what to do. */
import {
  type ApiProblem,
  type UnsupportedFeature,
  ROOM_CODE_ALPHABET,
  ROOM_CODE_LENGTH,
} from "../shared/index.ts";

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

export function describeApiProblem(problem: ApiProblem): string {
  switch (problem.kind) {
    case "unknown_route":
      return `There is no route ${problem.path}. The routes are ${problem.routes.join(", ")}.`;
    case "method_not_allowed":
      return `${problem.path} accepts ${problem.allowed.join(", ")}, not ${problem.method}.`;
    case "invalid_json":
      return `The body is not JSON: ${problem.detail}.`;
    case "invalid_value":
      return problem.param === null ? `${problem.detail}.` : `${problem.param}: ${problem.detail}.`;
    case "unsupported_value":
      return UNSUPPORTED[problem.feature];
    case "model_not_found":
      return modelNotFound(problem.model, problem.known);
    case "body_too_large":
      return `The body is larger than ${problem.maxBytes} bytes. Send a shorter prompt.`;
    case "no_room":
      return "No room is open on this server. Open the server's page and open a room.";
    case "room_required":
      return `${problem.rooms} rooms are open on this server. Name one with ?room=CODE or the header X-Tabmesh-Room.`;
    case "bad_room_code":
      return `"${problem.given}" is not a room code. A code has ${ROOM_CODE_LENGTH} characters of ${ROOM_CODE_ALPHABET}.`;
    case "no_such_room":
      return `Room ${problem.room} has no member that is connected to this server. Check the code, and open the room's page from this server.`;
    case "coordinator_gone":
      return "The room's coordinator left before the answer was complete. Send the request again.";
    case "invalid_target":
      return "The request's target is not a path that begins with a slash.";
    case "invalid_host":
      return "The request needs one Host header with the server's name or address.";
    case "unknown_host":
      return `${problem.host} is not an address of this server. Use an address that it printed, or start it with --host and this name.`;
    case "foreign_origin":
      return `Pages of ${problem.origin} may not use this server. Start it with --allow-origin and this origin to allow them.`;
    case "cross_site":
      return "Other pages may only link to this server's page. Use fetch from an origin that the server allows with --allow-origin.";
    case "not_json":
      return problem.contentType === null
        ? "The request needs the content type application/json."
        : `The content type must be application/json, not ${problem.contentType}.`;
    case "key_missing":
      return "This server requires its API key. Send it in the header Authorization: Bearer KEY.";
    case "key_wrong":
      return "The API key is wrong. The server was started with another --api-key.";
    default:
      return problem satisfies never;
  }
}

function modelNotFound(model: string | null, known: readonly string[]): string {
  const missing =
    model === null ? "The room has no model." : `The room has no model named ${model}.`;
  const help =
    known.length > 0
      ? `It can load ${known.join(", ")}.`
      : "Give the URL of a GGUF file, or put a file in the server's models folder.";
  return `${missing} ${help}`;
}
