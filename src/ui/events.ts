/**
 * The page's events besides commands. Both bubble out of `<tabmesh-app>`, where
 * `main.ts` listens.
 *
 *   model-file     a GGUF file on this machine was chosen. A `File` cannot be part of
 *                  a command: keep it, then place it with the source
 *                  `{ kind: "member", member: self, fileName: file.name }`
 *   log-file       a file with a room's log was chosen
 *   stages-draft   a boundary is being moved: answer with `view.placementPreview`;
 *                  `stages: null` ends the draft
 */
import type { Stage } from "../shared/index.ts";

export type FileDetail = { readonly file: File };
export type StagesDraftDetail = {
  readonly model: string;
  readonly stages: readonly Stage[] | null;
};

declare global {
  interface HTMLElementEventMap {
    "model-file": CustomEvent<FileDetail>;
    "log-file": CustomEvent<FileDetail>;
    "stages-draft": CustomEvent<StagesDraftDetail>;
  }
}

/** Dispatches an event that crosses shadow roots. */
export function emit(
  from: EventTarget,
  ...[name, detail]:
    | [name: "model-file" | "log-file", detail: FileDetail]
    | [name: "stages-draft", detail: StagesDraftDetail]
): void {
  from.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
