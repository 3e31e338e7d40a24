/** Mounts the real page in the test's document and queries through its shadow roots. */
import type { LitElement } from "lit";
import { afterEach } from "vitest";
import { page } from "vitest/browser";
import type { PageCommand } from "../../src/ui/page-command.ts";
import type { PageView } from "../../src/ui/page-view.ts";
import "../../src/ui/tabmesh-app.ts";
import type { TabmeshApp } from "../../src/ui/tabmesh-app.ts";

export type Mounted = { readonly app: TabmeshApp; readonly commands: PageCommand[] };

const mounted = new Set<Element>();

afterEach(() => {
  for (const element of mounted) element.remove();
  mounted.clear();
  document.documentElement.style.colorScheme = "";
});

/** The page at a width, showing a view; commands are collected in the order in which they come. */
export async function mount(view: PageView, width = 1440): Promise<Mounted> {
  document.body.style.margin = "0";
  await page.viewport(width, width < 500 ? 740 : 900);
  const commands: PageCommand[] = [];
  const app = document.createElement("tabmesh-app");
  app.view = view;
  app.addEventListener("page-command", ({ detail }) => commands.push(detail));
  document.body.append(app);
  mounted.add(app);
  await settled(app);
  return { app, commands };
}

/** Every element below, through all shadow roots, in document order. */
export function everything(root: Element | ShadowRoot): Element[] {
  return [...root.querySelectorAll("*")].flatMap((element) =>
    element.shadowRoot === null ? [element] : [element, ...everything(element.shadowRoot)],
  );
}

/** All that match, through shadow roots; `app` itself is not among them. */
export function all(app: Element, selector: string): HTMLElement[] {
  const inside = app.shadowRoot === null ? [] : everything(app.shadowRoot);
  return inside.filter((element): element is HTMLElement => element.matches(selector));
}

export function one(app: Element, selector: string): HTMLElement {
  const [first] = all(app, selector);
  if (first === undefined) throw new Error(`nothing on the page matches ${selector}`);
  return first;
}

/** A button by its accessible name. */
export function button(app: Element, name: string): HTMLButtonElement {
  const named = all(app, "button").find(
    (each) =>
      (each.getAttribute("aria-label") ?? each.textContent).replaceAll(/\s+/g, " ").trim() === name,
  );
  if (!(named instanceof HTMLButtonElement)) throw new Error(`no button is called "${name}"`);
  return named;
}

/** The shown text, shadow roots included. */
export function textOf(app: Element): string {
  const texts: string[] = [];
  const walk = (node: Node): void => {
    if (node instanceof Text) texts.push(node.data);
    if (node instanceof HTMLStyleElement) return;
    if (node instanceof Element && node.shadowRoot !== null) walk(node.shadowRoot);
    for (const child of node.childNodes) walk(child);
  };
  walk(app);
  return texts.join(" ").replaceAll(/\s+/g, " ");
}

/** Waits until every element of the page has rendered what it was given. */
export async function settled(app: TabmeshApp): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await app.updateComplete;
    for (const element of all(app, "*")) {
      if ("updateComplete" in element) await (element as LitElement).updateComplete;
    }
  }
}

/** Types into a field and dispatches the browser's event. */
export function type(field: HTMLElement, text: string): void {
  (field as HTMLInputElement | HTMLTextAreaElement).value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
}

export function press(
  target: HTMLElement,
  key: string,
  more: KeyboardEventInit = {},
): KeyboardEvent {
  const event = new KeyboardEvent("keydown", {
    key,
    bubbles: true,
    composed: true,
    cancelable: true,
    ...more,
  });
  target.dispatchEvent(event);
  return event;
}
