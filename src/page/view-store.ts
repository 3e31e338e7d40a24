/** The page's view: replaced as a whole, shown when a part of it has changed. */
import type { PageView } from "../ui/index.ts";

/** Long parts, which are new objects whenever they change: only their identity is compared. */
const COMPARED_BY_IDENTITY: readonly string[] = ["state", "chat"];

export class ViewStore {
  readonly #show: (view: PageView) => void;
  #view: PageView;

  constructor(first: PageView, show: (view: PageView) => void) {
    this.#show = show;
    this.#view = first;
    show(first);
  }

  get view(): PageView {
    return this.#view;
  }

  /** Parts that are equal keep their identity, so that nothing is drawn for them. */
  update(change: Partial<PageView>): void {
    const news = Object.entries(change).filter(
      ([part, value]) => !isSame(part, this.#view[part as keyof PageView], value),
    );
    if (news.length === 0) return;
    this.#view = { ...this.#view, ...Object.fromEntries(news) };
    this.#show(this.#view);
  }
}

function isSame(part: string, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  return !COMPARED_BY_IDENTITY.includes(part) && JSON.stringify(one) === JSON.stringify(other);
}
