import { describe, expect, test } from "vitest";
import { userEvent } from "vitest/browser";
import { PlacementId } from "../../src/shared/ids.ts";
import type { PageCommand } from "../../src/ui/page-command.ts";
import { all, button, mount, one, settled, textOf, type Mounted } from "./mount.ts";
import { id, SMALL_MODEL } from "./sample-room.ts";
import { PREVIEW, VIEWS } from "./sample-views.ts";

const THREE = VIEWS.answering;
const STATE = THREE.state;
const PLACEMENT = STATE.placement!;

function sliders({ app }: Mounted): HTMLInputElement[] {
  return all(app, ".strip input") as HTMLInputElement[];
}

/** Presses keys on a boundary's slider, as a person does. */
async function pressOn(mounted: Mounted, slider: number, keys: string): Promise<void> {
  sliders(mounted)[slider]!.focus();
  await userEvent.keyboard(keys);
  await settled(mounted.app);
}

type Draft = Extract<PageCommand, { type: "draft_stages" }>;

function draftsOf({ commands }: Mounted): Draft[] {
  return commands.filter((command) => command.type === "draft_stages");
}

const rangesOf = (draft: Draft | undefined) => draft?.stages?.map(({ first, end }) => [first, end]);

/** The first boundary moved by one layer. */
const MOVED = [
  [0, 11],
  [11, 20],
  [20, 30],
].map(([first, end], index) => ({
  ...PREVIEW.candidates[0]!.stages[0]!,
  member: PLACEMENT.stages[index]!.member,
  first: first!,
  end: end!,
}));

describe("placement", () => {
  test("every stage has its member, layers, bytes, and times as text", async () => {
    const { app } = await mount(THREE);
    const stages = all(one(app, "tabmesh-stage-list"), "li").map((lane) =>
      lane.textContent.replaceAll(/\s+/g, " "),
    );
    expect(stages).toHaveLength(3);
    expect(stages[0]).toContain("embedding, layers 0–9 · 25.9 MB weights, 62.9 MB KV cache");
    expect(stages[1]).toMatch(
      /MacBook.*predicted 7\.53 ms \+ 1\.10 ms transfer ?measured 8\.10 ms \+ 1\.10 ms transfer/,
    );
    expect(stages[2]).toContain("layers 20–29, output head");
    expect(one(app, ".strip").getAttribute("aria-label")).toContain(
      "MacBook in the kitchen layers 10 to 19",
    );
  });

  test("layers get their full color as they load", async () => {
    const { app } = await mount(VIEWS.loading);
    const filled = all(app, ".strip .slab").map(({ style }) =>
      Number.parseFloat(style.getPropertyValue("--loaded")),
    );
    expect(filled[0]).toBeCloseTo(42, 0);
    expect(filled[2]).toBeCloseTo(91, 0);
    expect(textOf(app)).toContain("downloading 42%");
  });

  test("a stage shows times of its own member only", async () => {
    const [first, ...others] = THREE.timings;
    const timings = [{ ...first!, member: THREE.timings[1]!.member }, ...others];
    const predicted = THREE.predicted!.toReversed();
    const { app } = await mount({ ...THREE, timings, predicted });
    const stages = all(one(app, "tabmesh-stage-list"), "li").map(textOf);
    expect(stages[0]).not.toMatch(/measured|predicted/);
    expect(stages[1]).toMatch(/predicted.*measured/);
  });

  test("stages chosen manually are predicted too", async () => {
    const placement = { ...PLACEMENT, predictedMs: null };
    const { app } = await mount({ ...THREE, state: { ...STATE, placement } });
    expect(textOf(app)).toContain(
      "30 layers on 3 members, placed manually · predicted 19.4 ms per token",
    );
  });

  test("the predicted and the measured time of a token are shown", async () => {
    const { app } = await mount(THREE);
    const shown = textOf(one(app, "tabmesh-timings"));
    expect(shown).toMatch(
      /20\.6 ms total: 17\.3 ms computing, 3\.30 ms in transfer ?; predicted 19\.4 ms/,
    );
  });

  test("a prediction of other stages is not shown", async () => {
    const predicted = THREE.predicted!.toReversed();
    const { app } = await mount({ ...THREE, predicted });
    expect(textOf(one(app, "tabmesh-timings"))).not.toContain("; predicted");
  });

  test("a stage that failed says why", async () => {
    const { app } = await mount(VIEWS.failing);
    expect(textOf(one(app, "tabmesh-stage-list"))).toContain("failed");
    expect(all(app, "tabmesh-member").map(textOf).join()).toContain("failed: The server refuses");
    expect(all(app, "[role=alert]").map(textOf).join()).toContain("could not load layers");
  });

  test("126 layers over 16 members have 16 stages and 15 boundaries inside the page", async () => {
    const mounted = await mount(VIEWS.sixteen, 360);
    button(mounted.app, "Room (16)").click();
    await settled(mounted.app);
    expect(all(one(mounted.app, "tabmesh-stage-list"), "li")).toHaveLength(16);
    expect(sliders(mounted)).toHaveLength(15);
    for (const slider of sliders(mounted)) {
      const { left, right } = slider.getBoundingClientRect();
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(360);
    }
  });
});

describe("reasons", () => {
  test("the last decision and its reasons name members by their names", async () => {
    const { app } = await mount(THREE);
    expect(one(app, ".note").textContent.replaceAll(/\s+/g, " ").trim()).toBe(
      "Old ThinkPad, Firefox joined. The layers stay: moving would save 1.20 ms of 22.3 ms per token, less than 5%.",
    );
  });

  test("members that are named by their ids get their names, in errors too", async () => {
    const left = { kind: "member" as const, change: "left" as const, brokenRules: [] };
    const member = id("member-0");
    const lastDecision = {
      ...STATE.lastDecision,
      trigger: { kind: "changes" as const, changes: [{ ...left, member: id("member-1") }] },
      reason: {
        kind: "rules_violated" as const,
        brokenRules: [
          {
            member,
            constraint: "visibility" as const,
            hard: true,
            breach: { kind: "hidden_tab" as const },
          },
        ],
      },
    };
    const error = {
      reason: "stage_load_failed" as const,
      member: id("member-2"),
      model: "tiny",
      first: 1,
      end: 3,
      cause: null,
    };
    const placement = { ...PLACEMENT, error };
    const { app } = await mount({ ...THREE, state: { ...STATE, lastDecision, placement } });
    expect(textOf(one(app, ".note"))).toMatch(
      /MacBook in the kitchen left\. The layers must move: Desk, Chromium 156 on Linux is a hidden tab\./,
    );
    expect(textOf(one(app, "[role=alert].failed"))).toContain(
      "Old ThinkPad, Firefox could not load layers 1–2 of tiny.",
    );
  });

  test("a first placement needs no note", async () => {
    const lastDecision = { ...STATE.lastDecision, outcome: "placed" as const };
    const { app } = await mount({ ...THREE, state: { ...STATE, lastDecision } });
    expect(all(app, ".note")).toEqual([]);
  });

  test("scores are on the cards, their parts in the details, and differences above", async () => {
    const { app } = await mount(THREE);
    expect(all(app, "tabmesh-member .tag, .tags .tag").map(textOf).join()).toContain("Score 0.97");
    const list = textOf(one(app, "tabmesh-members"));
    expect(list).toContain(
      "Heterogeneous. Memory ranges from 5.60 GB (Old ThinkPad, Firefox) to 12.0 GB (MacBook",
    );
    expect(list).toMatch(/Compute 1\.00 Memory 1\.00 Network 0\.80/);
  });
});

describe("moving a boundary", () => {
  test("arrow keys draft it, Apply sends it", async () => {
    const mounted = await mount(THREE);
    await pressOn(mounted, 0, "{ArrowRight}");
    await pressOn(mounted, 0, "{ArrowRight}");
    const first = sliders(mounted)[0]!;
    expect(first.value).toBe("12");
    expect(first.getAttribute("aria-valuetext")).toBe(
      "Desk, Chromium 156 on Linux: 12 layers, MacBook in the kitchen: 8 layers",
    );
    expect(draftsOf(mounted).map(rangesOf)).toEqual([
      [
        [0, 11],
        [11, 20],
        [20, 30],
      ],
      [
        [0, 12],
        [12, 20],
        [20, 30],
      ],
    ]);
    button(mounted.app, "Apply").click();
    expect(mounted.commands.slice(2)).toEqual([
      {
        type: "place_stages",
        model: SMALL_MODEL.name,
        stages: [
          { member: "member-0", first: 0, end: 12 },
          { member: "member-1", first: 12, end: 20 },
          { member: "member-2", first: 20, end: 30 },
        ],
      },
      { type: "draft_stages", model: SMALL_MODEL.name, stages: null },
    ]);
  });

  test("every stage keeps a layer, and Home and End work", async () => {
    const mounted = await mount(THREE);
    const after = async (key: string) => {
      await pressOn(mounted, 1, `{${key}}`);
      return sliders(mounted)[1]!.value;
    };
    expect(await after("Home")).toBe("11");
    expect(await after("ArrowLeft")).toBe("11");
    expect(await after("End")).toBe("29");
    expect(await after("ArrowDown")).toBe("28");
  });

  test("a pointer drags its thumb, which is on the boundary", async () => {
    const mounted = await mount(THREE);
    const slider = sliders(mounted)[0]!;
    const layers = one(mounted.app, ".strip .layers");
    const box = slider.getBoundingClientRect();
    const pointAt = (layer: number) => {
      const { left, width } = layers.getBoundingClientRect();
      return { x: left + (layer / 30) * width - box.left, y: box.height / 2 };
    };
    await userEvent.dragAndDrop(slider, slider, {
      sourcePosition: pointAt(10),
      targetPosition: pointAt(15),
      force: true,
    });
    await settled(mounted.app);
    expect(rangesOf(draftsOf(mounted).at(-1))).toEqual([
      [0, 15],
      [15, 20],
      [20, 30],
    ]);
  });

  test("its predicted cost is shown beside Apply, and an impossible draft cannot be applied", async () => {
    const mounted = await mount(THREE);
    await pressOn(mounted, 0, "{ArrowRight}");
    expect(textOf(one(mounted.app, ".decision"))).toContain("Calculating the predicted speed");
    const draft = {
      ...PREVIEW.candidates[0]!,
      stages: MOVED,
      msPerToken: 20.1,
      tokensPerSecond: 49.8,
    };
    mounted.app.view = { ...THREE, placementPreview: { ...PREVIEW, draft } };
    await settled(mounted.app);
    expect(textOf(one(mounted.app, ".decision"))).toMatch(
      /20\.1 ms per token, 49\.8 tokens\/s – 1\.30 ms faster than now/,
    );
    const infeasible = "Desk is 12 MB short.";
    mounted.app.view = {
      ...THREE,
      placementPreview: { ...PREVIEW, draft: { ...draft, infeasible } },
    };
    await settled(mounted.app);
    expect(textOf(one(mounted.app, ".decision"))).toContain(infeasible);
    expect(button(mounted.app, "Apply").disabled).toBe(true);
    button(mounted.app, "Discard").click();
    await settled(mounted.app);
    expect(all(mounted.app, ".decision")).toHaveLength(0);
    expect(mounted.commands).toEqual(draftsOf(mounted));
  });

  test("a draft is compared with the prediction for stages chosen manually", async () => {
    const placement = { ...PLACEMENT, predictedMs: null };
    const mounted = await mount({ ...THREE, state: { ...STATE, placement } });
    await pressOn(mounted, 0, "{ArrowRight}");
    const draft = { ...PREVIEW.candidates[0]!, stages: MOVED, msPerToken: 25 };
    mounted.app.view = { ...mounted.app.view, placementPreview: { ...PREVIEW, draft } };
    await settled(mounted.app);
    // Predicted for the current stages: 16.1 ms of computing and 3.3 ms of hops.
    expect(textOf(one(mounted.app, ".decision"))).toMatch(
      /25\.0 ms per token.*5\.61 ms slower than now/,
    );
  });

  test("a new placement ends the draft", async () => {
    const mounted = await mount(THREE);
    await pressOn(mounted, 0, "{ArrowRight}");
    const placement = { ...PLACEMENT, id: PlacementId.parse(4) };
    mounted.app.view = { ...THREE, state: { ...STATE, placement } };
    await settled(mounted.app);
    expect(sliders(mounted)[0]!.value).toBe("10");
  });

  test("the comparison is requested while it is open, and shown once it is computed", async () => {
    const mounted = await mount({ ...THREE, placementPreview: null });
    const comparison = () => one(mounted.app, "tabmesh-candidates");
    const summary = one(comparison(), "summary");
    const show = (shown: boolean) => ({ type: "show_preview", shown });
    summary.click();
    await expect.poll(() => mounted.commands).toEqual([show(true)]);
    expect(textOf(comparison())).toContain("Computing the placements.");
    mounted.app.view = THREE;
    await settled(mounted.app);
    expect(all(comparison(), "li.card")).toHaveLength(3);
    expect(textOf(comparison())).not.toContain("Computing");
    summary.click();
    await expect.poll(() => mounted.commands).toEqual([show(true), show(false)]);
  });

  test("a candidate in use is loading before it is running", async () => {
    const stages = PREVIEW.candidates[0]!.stages.map(({ member, first, end }) => ({
      member,
      first,
      end,
    }));
    const shown = async (ready: boolean) => {
      const state = { ...STATE, placement: { ...PLACEMENT, stages, ready } };
      return textOf(one((await mount({ ...THREE, state })).app, "tabmesh-candidates"));
    };
    expect(await shown(false)).toContain("Loading");
    expect(await shown(true)).toContain("Running");
  });

  test("candidates are shown with their reasons, and one can be used", async () => {
    const mounted = await mount(THREE);
    const shown = textOf(one(mounted.app, "tabmesh-candidates"));
    expect(shown).toContain("Including MacBook in the kitchen would add 1.90 ms per token");
    expect(shown).toContain("Old ThinkPad, Firefox is 1.2 GB short");
    button(mounted.app, "Use this placement: Most answers at once").click();
    expect(mounted.commands).toEqual([
      {
        type: "place_stages",
        model: SMALL_MODEL.name,
        stages: [
          { member: "member-0", first: 0, end: 20 },
          { member: "member-1", first: 20, end: 30 },
        ],
      },
    ]);
  });
});
