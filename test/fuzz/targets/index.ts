/** Every decoder of bytes or text that this tab did not make. */
import type { FuzzTarget } from "../../../tools/fuzz/fuzz.ts";
import type { Bytes } from "../../../tools/fuzz/mutate.ts";
import { chatBodies, placementBodies, textBodies } from "./api.ts";
import {
  control,
  frames,
  handshakes,
  rangeAnswers,
  rangeRequests,
  registryAnswers,
  sliced,
} from "./mesh.ts";
import { chunkMaps, ggufFiles, ggufHeaders, ggufValues } from "./model.ts";
import { commands, events, logs, messages, pageToServer, serverToPage, states } from "./room.ts";

export const BYTE_TARGETS: readonly FuzzTarget<Bytes>[] = [
  frames,
  sliced,
  ggufHeaders,
  ggufFiles,
  ggufValues,
  chunkMaps,
  rangeRequests,
  rangeAnswers,
];
export const TEXT_TARGETS: readonly FuzzTarget<string>[] = [
  ...[control, handshakes, registryAnswers, messages, commands, events, states, logs],
  ...[serverToPage, pageToServer, chatBodies, placementBodies, textBodies],
];
