/** Why another tab, the room, or the signaling server cannot be reached. */
import type { MeshFailure } from "../shared/index.ts";
import { seconds } from "./quantities.ts";
import type { Sentences } from "./sentences.ts";

export const meshFailures: Sentences<MeshFailure> = {
  closed_by_this_tab: () => "This tab closed the connection.",
  closed_by_peer: () => "The other tab closed the connection.",
  replaced_connection: () => "The other tab connected again.",
  channel_closed: () => "The channel was closed.",
  channel_failed: ({ detail }) => `The channel failed: ${detail}.`,
  peer_silent: ({ peer }, nameOf) => `${nameOf(peer)} no longer answers.`,
  protocol_violation: ({ peer, detail }, nameOf) =>
    `${nameOf(peer)} violated the protocol: ${detail}.`,
  version_mismatch: ({ ours, theirs }) =>
    `This tab uses protocol ${ours}, the other one ${theirs}. Reload ${ours < theirs ? "this page" : "the other tab"} to get the newer version.`,
  not_tabmesh: ({ peer }, nameOf) => `${nameOf(peer)} did not introduce itself as a Tabmesh tab.`,
  other_identity: ({ peer }, nameOf) => `${nameOf(peer)} introduced itself with another id.`,
  connect_timeout: ({ peer, timeoutMs }, nameOf) =>
    `${nameOf(peer)} did not answer within ${timeoutMs / 1000} s. Check that its tab is open and on a network that this one can reach.`,
  no_such_peer: ({ peer }, nameOf) => `There is no tab ${nameOf(peer)}. It may have been closed.`,
  connection_failed: ({ peer, detail }, nameOf) => `${nameOf(peer)} cannot be reached: ${detail}`,
  wrong_secret: () =>
    "The key that this tab has does not match the room's. Either it is the key of an earlier room with the same code, or someone is intercepting the connection. Ask for the room's link, or type the code in a new tab.",
  wrong_code: () =>
    "The room did not accept the code. Check the code. If it is right, someone may be intercepting the connection: use the room's link instead.",
  too_many_guesses: ({ waitMs }) =>
    `Too many wrong codes were tried in this room. Wait ${seconds(waitMs)} and try again, or use the room's link.`,
  link_needed: () =>
    "This room can be joined only with its link. Ask someone in the room for the link.",
  room_locked: () => "This room is locked. Ask someone in the room to unlock it.",
  code_not_checked_here: ({ peer }, nameOf) =>
    `${nameOf(peer)} does not admit newcomers, because it does not coordinate the room.`,
  peer_not_admitted: ({ peer }, nameOf) => `${nameOf(peer)} is not in the room yet.`,
  not_connected: ({ peer }, nameOf) => `This tab is not connected to ${nameOf(peer)}.`,
  send_failed: ({ peer, cause }, nameOf, describeCause) =>
    `Cannot send to ${nameOf(peer)}. ${describeCause(cause)}.`,

  signaling_lost: () =>
    "The signaling server cannot be reached, so no new tab can join. This tab keeps trying.",
  signaling_unreachable: ({ url }) =>
    `The signaling server at ${url} cannot be reached. Check the network and reload the page.`,
  signaling_busy: ({ retryAfterS }) =>
    `Too many rooms were looked up from this network. Try again in ${retryAfterS} s.`,
  signaling_timeout: ({ url }) =>
    `The signaling server at ${url} did not answer. Check that it is running.`,
  id_taken: ({ id }) => `The id ${id} is in use at the signaling server.`,

  room_not_found: ({ code }) =>
    `No room ${code} is open. Check the code, or open a new room: a room exists only as long as one of its tabs is open.`,
  room_timeout: ({ code }) => `The room ${code} did not answer. Its tab may be closing: try again.`,
  room_unreachable: ({ code }) => `The room ${code} cannot be reached.`,
  invalid_room_answer: ({ code }) => `The room ${code} sent an invalid answer.`,

  peer_has_no_file: ({ peer, file }, nameOf) => `${nameOf(peer)} no longer has the file ${file}.`,
  peer_read_failed: ({ peer, file, cause }, nameOf, describeCause) =>
    `${nameOf(peer)} cannot read ${file}. ${describeCause(cause)}.`,
  peer_read_interrupted: ({ peer, file, cause }, nameOf, describeCause) =>
    `${nameOf(peer)}, which has ${file}, left while it was read. ${describeCause(cause)}.`,
  peer_read_invalid: ({ peer, file }, nameOf) =>
    `${nameOf(peer)} sent the wrong number of bytes of ${file}. Load the model again.`,
};
