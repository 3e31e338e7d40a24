import { describe, expect, test } from "vitest";
import { DEFAULT_PLACEMENT_RULES } from "../../src/shared/placement-rules.ts";
import { DEFAULT_SETTINGS } from "../../src/shared/state.ts";
import { all, button, mount, one, settled, type, textOf } from "./mount.ts";
import { SMALL_MODEL } from "./sample-room.ts";
import { VIEWS } from "./sample-views.ts";

describe("members", () => {
  test("each shows its adapter, measurements, and state", async () => {
    const { app } = await mount(VIEWS.answering);
    const card = one(app, "article[aria-label='MacBook in the kitchen']");
    const shown = textOf(card);
    expect(shown).toContain("apple metal-3 · Chromium 156");
    expect(shown).toMatch(/GB\/s copy 310 /);
    expect(shown).toMatch(/GFLOPS 9,500/);
    expect(shown).toMatch(/dispatch 2\.20 µs/);
    expect(shown).toMatch(/Layers 10–19/);
    expect(shown).toContain("of 12.0 GB memory");
    expect(shown).toMatch(/battery 82%, charging/);
    const kernels = all(app, "article[aria-label='MacBook in the kitchen'] .lines b").map(
      ({ textContent }) => textContent,
    );
    expect(kernels).toEqual([
      expect.stringContaining("workgroup"),
      expect.stringContaining("split 4x1 wg64"),
    ]);
    expect(shown).toContain("to Old ThinkPad, Firefox");
  });

  test("a member that slows down has a warning and a line of its slowdown; missing signals name what is used instead", async () => {
    const forecast = { ratio: 1.2, limit: 2, timeConstantMs: 60_000 };
    const { state } = VIEWS.answering;
    const [first, ...others] = state.members;
    const device = { ...first!.device!, throttleRatio: 1.2, forecast };
    const members = [{ ...first!, device }, ...others];
    const { app } = await mount({ ...VIEWS.answering, state: { ...state, members } });
    const card = one(app, "tabmesh-member");
    expect(textOf(one(card, "[role=status]"))).toMatch(/^Slowing down: in 29 s/);
    const points = all(one(card, "tabmesh-speed"), "polyline").map((line) =>
      line.getAttribute("points")!.split(" "),
    );
    // One sample, and the forecast of the next minute at the usual interval.
    expect(points.map(({ length }) => length)).toEqual([1, 31]);
    expect(textOf(card)).toContain("Temperature not available in browsers");
  });

  test("this tab, the coordinator and software adapters are marked", async () => {
    const { app } = await mount(VIEWS.sixteen);
    const cards = all(app, "tabmesh-member").map(textOf);
    expect(cards).toHaveLength(16);
    expect(cards.filter((card) => card.includes("This tab"))).toHaveLength(1);
    expect(cards[0]).toContain("Coordinator");
    expect(cards.filter((card) => card.includes("Software"))).toHaveLength(3);
    expect(cards[3]).toMatch(/slowdown ×1\.62.*pressure serious.*battery 17%.*tab hidden/);
  });

  test("a member without an adapter says why", async () => {
    const { app } = await mount(VIEWS.watchers);
    expect(textOf(app)).toContain("Browsers provide WebGPU only over HTTPS and on localhost.");
    expect(textOf(app)).toContain("1 can compute");
  });

  test("a member can be pinned, excluded, and released", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    const selects = all(app, "select") as HTMLSelectElement[];
    expect(selects.map(({ value }) => value)).toEqual(["auto", "pin", "exclude"]);
    selects[0]!.value = "exclude";
    selects[0]!.dispatchEvent(new Event("change"));
    expect(commands).toEqual([{ type: "choose_member", member: "member-0", use: "exclude" }]);
  });
});

describe("the member that opened the room", () => {
  test("removes another member, after a confirmation", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    const removes = () =>
      (all(app, "button") as HTMLButtonElement[]).filter(
        ({ textContent }) => textContent.trim() === "Remove from the room",
      );
    const { members, openedBy } = VIEWS.answering.state;
    expect(openedBy).toBe(VIEWS.answering.self);
    expect(removes()).toHaveLength(members.length - 1);
    removes()[0]!.click();
    await settled(app);
    expect(commands).toEqual([]);
    button(app, "Cancel").click();
    await settled(app);
    removes()[0]!.click();
    await settled(app);
    button(app, "Remove").click();
    expect(commands).toEqual([{ type: "remove_member", member: members[1]!.id }]);
  });

  test("other members cannot remove anyone or set the rule", async () => {
    const { answering } = VIEWS;
    const openedBy = answering.state.members[1]!.id;
    const settings = { ...answering.state.settings, changesBy: "opener" as const };
    const view = { ...answering, state: { ...answering.state, openedBy, settings } };
    const { app, commands } = await mount(view);
    expect(textOf(app)).not.toContain("Remove from the room");
    button(app, "Settings").click();
    await settled(app);
    expect((one(app, "#changesBy") as HTMLSelectElement).disabled).toBe(true);
    button(app, "Save room settings").click();
    expect(commands).toMatchObject([{ settings: { changesBy: "opener" } }]);
  });

  test("reserves changes of the room for itself", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    const rule = one(app, "#changesBy") as HTMLSelectElement;
    expect([rule.value, rule.disabled]).toEqual(["everyone", false]);
    rule.value = "opener";
    button(app, "Save room settings").click();
    expect(commands).toMatchObject([
      { type: "change_settings", settings: { changesBy: "opener" } },
    ]);
  });
});

describe("model", () => {
  test("an offered model is placed by its URL", async () => {
    const { app, commands } = await mount(VIEWS.empty);
    button(app, "SmolLM2-135M-Instruct.Q4_1 on this server").click();
    const url = "http://localhost:8787/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    expect(commands).toEqual([{ type: "place_model", source: { kind: "url", url } }]);
  });

  test("a URL is checked before it is sent", async () => {
    const { app, commands } = await mount(VIEWS.empty);
    const field = one(app, "#url") as HTMLInputElement;
    for (const text of ["", "model.gguf", "file:///model.gguf"]) {
      field.value = text;
      button(app, "Load").click();
      expect(field.validity.valid, text).toBe(false);
    }
    expect(commands).toEqual([]);
    field.value = "https://models.example/a.gguf";
    button(app, "Load").click();
    expect(commands).toEqual([
      {
        type: "place_model",
        source: { kind: "url", url: "https://models.example/a.gguf" },
      },
    ]);
  });

  test("a file on this machine is placed", async () => {
    const { app, commands } = await mount(VIEWS.empty);
    const field = one(app, "input[type=file]") as HTMLInputElement;
    const data = new DataTransfer();
    const file = new File(["GGUF"], "mine.gguf");
    data.items.add(file);
    field.files = data.files;
    field.dispatchEvent(new Event("change"));
    expect(commands).toEqual([{ type: "place_file", file }]);
  });

  test("a file that is dropped is placed, and never opened by the browser; dropped text is not taken", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    const drop = (on: string, dataTransfer: DataTransfer) =>
      one(app, on).dispatchEvent(
        new DragEvent("drop", { dataTransfer, bubbles: true, composed: true, cancelable: true }),
      );
    const [withFile, withText] = [new DataTransfer(), new DataTransfer()];
    const file = new File(["GGUF"], "mine.gguf");
    withFile.items.add(file);
    withText.setData("text/plain", "a question");
    // false: the browser's own reaction was prevented.
    expect(drop("textarea", withFile)).toBe(false);
    expect(drop("textarea", withText)).toBe(true);
    app.view = VIEWS.outside;
    await settled(app);
    expect(drop("main", withFile)).toBe(false);
    expect(commands).toEqual([{ type: "place_file", file }]);
  });

  test("the model that runs is described and cannot be placed twice; downloads can be cleared", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    expect(textOf(app)).toContain(SMALL_MODEL.name);
    expect(button(app, `${SMALL_MODEL.name} running`).disabled).toBe(true);
    button(app, "Clear downloads").click();
    expect(commands).toEqual([{ type: "clear_model_cache" }]);
  });
});

describe("header and dialogs", () => {
  test("the link is shown as a QR code and as text", async () => {
    const { app } = await mount(VIEWS.answering);
    button(app, "Invite: QR code and link").click();
    await settled(app);
    expect(one(app, "svg.qr").getAttribute("viewBox")).toMatch(/^0 0 \d+ \d+$/);
    expect(one(app, "svg.qr path").getAttribute("d")!.length).toBeGreaterThan(1000);
    expect(textOf(app)).toContain("https://192.168.1.24:8788/#K7QM3X.");
  });

  test("whom the room admits is chosen beside the link, and shown to everyone", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Invite: QR code and link").click();
    await settled(app);
    const choice = (value: string) => one(app, `input[value=${value}]`) as HTMLInputElement;
    expect([choice("code").checked, choice("nobody").checked]).toEqual([true, false]);
    choice("nobody").click();
    expect(commands).toEqual([{ type: "change_admission", admits: "nobody" }]);
    const { answering } = VIEWS;
    app.view = { ...answering, state: { ...answering.state, admits: "nobody" } };
    await settled(app);
    expect(choice("nobody").checked).toBe(true);
    expect(one(app, ".admission").textContent).toContain("Locked");
    expect(textOf(app)).toContain("No machine can join now.");
  });

  test("settings are sent as a whole", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    const field = (selector: string) => one(app, selector) as HTMLInputElement;
    field("#contextTokens").value = "4096";
    field("#maxAnswerTokens").value = "300";
    field("#telemetryIntervalMs").value = "0.5";
    field("#activations").value = "float";
    button(app, "Save room settings").click();
    const settings = {
      ...DEFAULT_SETTINGS,
      contextTokens: 4096,
      maxAnswerTokens: 300,
      telemetryIntervalMs: 500,
      activations: "float",
      placementRules: DEFAULT_PLACEMENT_RULES,
      changesBy: "everyone",
    };
    expect(commands).toEqual([{ type: "change_settings", settings }]);
  });

  test("placement options: a constraint, its limit, the objective and a weight are changed", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    const set = (selector: string, value: string) =>
      ((one(app, selector) as HTMLInputElement | HTMLSelectElement).value = value);
    set("#objective", "throughput");
    set("#visibility", "hard");
    set("#battery", "off");
    set("#batteryLevel", "30");
    set("#precisionFeatures", " shader-f16, subgroups ");
    set("#score-compute", "0.5");
    set("#moveHorizonTokens", "500");
    button(app, "Save room settings").click();
    const placementRules = {
      ...DEFAULT_PLACEMENT_RULES,
      objective: "throughput",
      visibility: "hard",
      precisionFeatures: ["shader-f16", "subgroups"],
      battery: "off",
      batteryLevel: 0.3,
      scores: { ...DEFAULT_PLACEMENT_RULES.scores, compute: 0.5 },
      moveHorizonTokens: 500,
    };
    expect(commands).toEqual([
      {
        type: "change_settings",
        settings: {
          ...DEFAULT_SETTINGS,
          placementRules,
          changesBy: "everyone",
        },
      },
    ]);
  });

  test("a mix needs a weight", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    (one(app, "#objective") as HTMLSelectElement).value = "mix";
    (one(app, "#mix-latency") as HTMLInputElement).value = "0";
    button(app, "Save room settings").click();
    await settled(app);
    expect(commands).toEqual([]);
    expect(one(one(app, "tabmesh-settings"), ".problem").textContent).toMatch(/Not saved/);
  });

  test("a setting outside its limits is not sent", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    (one(app, "#generationSlots") as HTMLInputElement).value = "65";
    button(app, "Save room settings").click();
    expect(commands).toEqual([]);
    expect((one(app, "#generationSlots") as HTMLInputElement).checkValidity()).toBe(false);
  });

  test("this tab is renamed and measured again", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    type(one(app, "#name"), "  Desk ");
    button(app, "Rename").click();
    button(app, "Measure this machine again").click();
    expect(commands).toEqual([{ type: "rename_member", name: "Desk" }, { type: "measure_again" }]);
  });

  test("the connection is shown as text, and leaving is one button", async () => {
    const { app, commands } = await mount(VIEWS.failing);
    expect(one(app, ".connection").textContent.trim()).toBe("Reconnecting");
    button(app, "Leave the room").click();
    expect(commands).toEqual([{ type: "leave_room" }]);
  });
});

describe("cost", () => {
  test("a token renders the chat and not the members, the model or the placement", async () => {
    const { app } = await mount(VIEWS.answering);
    const rendered: string[] = [];
    for (const tag of ["tabmesh-member", "tabmesh-model", "tabmesh-placement", "tabmesh-chat"]) {
      const element = one(app, tag) as HTMLElement & { render(): unknown };
      const render = element.render.bind(element);
      element.render = () => {
        rendered.push(tag);
        return render();
      };
    }
    const longer = VIEWS.answering.chat.map((message) => ({
      ...message,
      text: `${message.text} m`,
    }));
    app.view = { ...VIEWS.answering, chat: longer };
    await settled(app);
    expect(rendered).toEqual(["tabmesh-chat"]);
    app.view = { ...VIEWS.answering, state: { ...VIEWS.answering.state } };
    await settled(app);
    expect(new Set(rendered).size).toBe(4);
  });

  test("nothing is fetched from another origin, dialogs included", async () => {
    const { app } = await mount(VIEWS.answering);
    button(app, "Settings").click();
    await settled(app);
    const origins = performance.getEntriesByType("resource").map(({ name }) => new URL(name));
    const strange = origins.filter(
      ({ origin, protocol }) => protocol !== "data:" && origin !== location.origin,
    );
    expect(strange.map(({ href }) => href)).toEqual([]);
  });
});

describe("timings", () => {
  test("the bar names the sum of the stages' times", async () => {
    const { app } = await mount(VIEWS.answering);
    expect(one(app, ".bar[aria-label*=computing]").getAttribute("aria-label")).toBe(
      "20.6 ms: 17.3 ms computing, 3.30 ms in transfer",
    );
    expect(textOf(app)).toContain("18.4 tokens/s");
  });

  test("the line of speeds grows with the answer and fits its container", async () => {
    const { app } = await mount(VIEWS.answering);
    for (const tokensPerSecond of [12, 16, 18, 17]) {
      const chat = VIEWS.answering.chat.map((message) => ({
        ...message,
        tokensPerSecond,
      }));
      app.view = { ...VIEWS.answering, chat };
      await settled(app);
    }
    expect(one(app, ".speed b").textContent).toBe("17.0");
    const line = one(app, "tabmesh-speed:not(.slowdown)");
    const [speeds] = all(line, "polyline");
    expect(speeds!.getAttribute("points")!.split(" ")).toHaveLength(5);
    const { width } = one(line, "svg").getBoundingClientRect();
    expect(width).toBeCloseTo(line.getBoundingClientRect().width, 0);
  });
});
