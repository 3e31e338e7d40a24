/** What is wrong with what a person typed, and why it cannot be sent. */
import { plural } from "./quantities.ts";
import { namelessDescriber } from "./sentences.ts";

export type InputProblem =
  | { readonly kind: "room_code_character"; readonly character: string }
  | { readonly kind: "room_code_empty" }
  | { readonly kind: "room_code_short"; readonly missing: number }
  | { readonly kind: "room_link_incomplete" }
  | { readonly kind: "settings_out_of_range" }
  | { readonly kind: "connection_lost" }
  | { readonly kind: "no_model" }
  | { readonly kind: "model_not_placed" };

export const describeInputProblem = namelessDescriber<InputProblem>({
  room_code_character: ({ character }) => {
    const confusable = /[01ILO]/.test(character) ? ", because it is easily misread" : "";
    return `Room codes don't contain “${character}”${confusable}. Check the code on the other screen.`;
  },
  room_code_empty: () => "Enter the six characters shown on the other screen.",
  room_code_short: ({ missing }) =>
    `Enter ${plural(missing, "more character")}. A room code has six.`,
  room_link_incomplete: () => "This link is incomplete. Copy the whole link again.",
  settings_out_of_range: () => "Not saved. Check that every number is within its limits.",
  connection_lost: () =>
    "The connection to the room is lost. You can chat again once it is restored.",
  no_model: () => "Choose a model to start chatting.",
  model_not_placed: () => "The model could not be placed. See the error under Placement.",
});
