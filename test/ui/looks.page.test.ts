/** For every view: nothing overflows the page, and axe finds no violations. */
import axe from "axe-core";
import { describe, expect, test } from "vitest";
import "../../src/ui/tokens.css";
import { all, button, everything, mount, settled } from "./mount.ts";
import { VIEWS, type ViewName } from "./sample-views.ts";

const NAMES = Object.keys(VIEWS) as ViewName[];
const WIDTHS = [360, 1440] as const;

/** Elements that reach past the page, except inside a scroll container. */
function overflowing(app: HTMLElement, width: number): string[] {
  const scrolls = (element: Element): boolean => {
    for (let at: Element | null = element; at !== null && at !== app;) {
      if (at !== element && getComputedStyle(at).overflowX !== "visible") return true;
      const root = at.getRootNode();
      at = at.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
    }
    return false;
  };
  return everything(app.shadowRoot!)
    .filter((element) => {
      const { right, left, width: own } = element.getBoundingClientRect();
      return own > 1 && (right > width + 1 || left < -1) && !scrolls(element);
    })
    .map(({ localName, className }) => `${localName}.${String(className)}`);
}

describe.each(WIDTHS)("at %i px", (width) => {
  test.each(NAMES)("%s fits", async (name) => {
    const { app } = await mount(VIEWS[name], width);
    expect(innerWidth).toBe(width);
    for (const side of ["Chat", "Room"]) {
      const choice = all(app, "nav button").find((each) => each.textContent.includes(side));
      choice?.click();
      await settled(app);
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      expect(overflowing(app, width)).toEqual([]);
      for (const scroller of all(app, "main > .room, .log")) {
        expect(scroller.scrollWidth, scroller.className).toBeLessThanOrEqual(scroller.clientWidth);
      }
    }
  });
});

/** All rules in one color scheme; in the other one, those that depend on colors. */
const RULES: Record<string, axe.RunOptions["runOnly"]> = {
  light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  dark: { type: "rule", values: ["color-contrast"] },
};

async function violationsIn(app: HTMLElement, scheme: string): Promise<string[]> {
  const { violations } = await axe.run(app, {
    runOnly: RULES[scheme]!,
    // The page of the test has no landmarks of its own; the real one is the element.
    rules: { region: { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary}`),
  );
}

describe.each(Object.keys(RULES))("axe, %s", (scheme) => {
  test.each(NAMES)("%s", async (name) => {
    document.documentElement.style.colorScheme = scheme;
    const { app } = await mount(VIEWS[name]);
    expect(await violationsIn(app, scheme)).toEqual([]);
  });

  test.each(["Settings", "Invite: QR code and link"])("dialog %s", async (name) => {
    document.documentElement.style.colorScheme = scheme;
    const { app } = await mount(VIEWS.answering);
    button(app, name).click();
    await settled(app);
    // The dialog fades in; contrast is checked after that.
    await Promise.all(document.getAnimations().map(({ finished }) => finished));
    expect(await violationsIn(app, scheme)).toEqual([]);
  });

  test("360 px wide, with details open", async () => {
    document.documentElement.style.colorScheme = scheme;
    const { app } = await mount(VIEWS.answering, 360);
    button(app, "Room (3)").click();
    await settled(app);
    for (const details of all(app, "details")) details.setAttribute("open", "");
    expect(await violationsIn(app, scheme)).toEqual([]);
    expect(overflowing(app, 360)).toEqual([]);
  });
});
