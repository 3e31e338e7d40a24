/**
 * The base of the page's elements: the view that they show, and `send`, the only way in which they act:
 * as an event, which reaches the controller through `<tabmesh-app>`. An element reads `view` and never
 * writes it.
 */
import { LitElement, type PropertyDeclarations, type PropertyValues } from "lit";
import { type Member, sameStages, type Stage } from "../shared/index.ts";
import { type NameOf, nameOfRoom } from "../words/index.ts";
import type { PageCommand } from "./page-command.ts";
import { EMPTY_VIEW, type PageView, type PlacementCandidate } from "./page-view.ts";

/** The parts of a view that change with every token of an answer. */
const LIVE_PARTS = ["chat", "timings"] as const;
type LivePart = (typeof LIVE_PARTS)[number];

export class PageElement extends LitElement {
  static override properties: PropertyDeclarations = { view: { attribute: false } };
  declare view: PageView;

  constructor() {
    super();
    this.view = EMPTY_VIEW;
  }

  send(command: PageCommand): void {
    this.emit("page-command", command);
  }

  /** Dispatches an event that leaves the shadow roots around this element. */
  protected emit(type: string, detail?: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  /** What this element shows of the answer being written. It does not render for a token of the others. */
  protected readonly live: readonly LivePart[] = [];

  override shouldUpdate(changed: PropertyValues<this>): boolean {
    const before = changed.get("view");
    if (changed.size > 1 || before === undefined) return true;
    const parts = Object.keys({ ...before, ...this.view }) as (keyof PageView)[];
    return parts.some(
      (part) => before[part] !== this.view[part] && (!isLive(part) || this.live.includes(part)),
    );
  }

  /** In a saved log nothing can be changed. */
  protected get readOnly(): boolean {
    return this.view.phase === "replay";
  }

  protected get members(): readonly Member[] {
    return this.view.state?.members ?? [];
  }

  protected get nameOf(): NameOf {
    return nameOfRoom(this.view.state);
  }

  /** The costs of a draft with exactly these stages, once they are computed. */
  protected previewOf(stages: readonly Stage[]): PlacementCandidate | null {
    const draft = this.view.placementPreview?.draft ?? null;
    return draft && sameStages(draft.stages, stages) ? draft : null;
  }
}

declare global {
  interface HTMLElementEventMap {
    "page-command": CustomEvent<PageCommand>;
  }
}

function isLive(part: string): part is LivePart {
  return LIVE_PARTS.some((live) => live === part);
}
