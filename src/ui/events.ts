/**
 * What the page says besides commands. Both events bubble out of
 * `<tabmesh-app>`; `main.ts` listens on it.
 *
 *   model-file     a person picked a GGUF on this machine. A `File` cannot be
 *                  part of a command: keep it, then place it with the source
 *                  `{ kind: "member", member: self, fileName: file.name }`
 *   stages-draft   a person is moving a boundary and nothing is decided yet:
 *                  answer with `view.placementPreview`; `stages: null` ends it
 */
import type { Stage } from "../shared/index.ts";

export type ModelFileDetail = { readonly file: File };
export type StagesDraftDetail = {
  readonly model: string;
  readonly stages: readonly Stage[] | null;
};

declare global {
  interface HTMLElementEventMap {
    "model-file": CustomEvent<ModelFileDetail>;
    "stages-draft": CustomEvent<StagesDraftDetail>;
  }
}

/** Tells it through all shadow roots. */
export function tell(
  from: EventTarget,
  ...[name, detail]:
    | [name: "model-file", detail: ModelFileDetail]
    | [name: "stages-draft", detail: StagesDraftDetail]
): void {
  from.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
