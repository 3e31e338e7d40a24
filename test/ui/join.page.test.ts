import { describe, expect, test } from "vitest";
import { codeProblem } from "../../src/ui/join-form.ts";
import { button, mount, one, settled, type, textOf } from "./mount.ts";
import { VIEWS } from "./sample-views.ts";

test("a saved log is opened as a file, and its slider and buttons step through it", async () => {
  const outside = await mount(VIEWS.outside);
  const field = one(outside.app, "input[type=file]") as HTMLInputElement;
  const chosen = new DataTransfer();
  const file = new File(["{}"], "tabmesh-ABCDEF-96.json");
  chosen.items.add(file);
  field.files = chosen.files;
  field.dispatchEvent(new Event("change"));
  expect(outside.commands).toEqual([{ type: "open_log", file }]);

  const { app, commands } = await mount(VIEWS.replay);
  button(app, "Next").click();
  button(app, "Previous").click();
  type(one(app, "input[type=range]"), "7");
  button(app, "Close the log").click();
  expect(commands).toEqual([
    { type: "show_log_at", position: 42 },
    { type: "show_log_at", position: 40 },
    { type: "show_log_at", position: 7 },
    { type: "close_log" },
  ]);
  expect(textOf(app)).toContain("41 of 96");
  expect((one(app, "select") as HTMLSelectElement).disabled).toBe(true);
});

describe("outside a room", () => {
  test("a room is opened with one button", async () => {
    const { app, commands } = await mount(VIEWS.outside);
    button(app, "Open a room").click();
    expect(commands).toEqual([{ type: "open_room" }]);
  });

  test("a code is typed in any case and with spaces, and joins as an observer when asked", async () => {
    const { app, commands } = await mount(VIEWS.outside);
    type(one(app, "#code"), "k7q-m3x9");
    one(app, "input[type=checkbox]").click();
    await settled(app);
    button(app, "Join").click();
    expect(commands).toEqual([{ type: "join_room", invitation: "K7QM3X", observe: true }]);
  });

  test("a pasted link shows its code and is sent whole; a part of a link is refused", async () => {
    const { app, commands } = await mount(VIEWS.outside);
    const link = `https://mesh.example/#K7QM3X.${"A".repeat(43)}`;
    type(one(app, "#code"), link.slice(0, -1));
    await settled(app);
    expect(one(app, "#code-problem").textContent).toContain("incomplete");
    type(one(app, "#code"), ` ${link} `);
    await settled(app);
    expect((one(app, "#code") as HTMLInputElement).value).toBe("K7QM3X");
    expect(one(app, "#code-problem").textContent).toContain("leads to room K7QM3X");
    button(app, "Join").click();
    type(one(app, "#code"), "ABCDEF");
    await settled(app);
    button(app, "Join").click();
    expect(commands).toEqual([
      { type: "join_room", invitation: link, observe: false },
      { type: "join_room", invitation: "ABCDEF", observe: false },
    ]);
  });

  test.each([
    ["K7QM", "Enter 2 more characters"],
    ["", "Enter the six characters"],
    ["K7QM3O", "don't contain “O”"],
  ])("the code %j is refused with a reason, and nothing is sent", async (code, message) => {
    const { app, commands } = await mount(VIEWS.outside);
    type(one(app, "#code"), code);
    button(app, "Join").click();
    await settled(app);
    expect(commands).toEqual([]);
    expect(one(app, "#code-problem").textContent).toContain(message);
    expect(one(app, "#code").getAttribute("aria-invalid")).toBe("true");
  });

  test("a wrong character is reported while typing, a short code is not", () => {
    expect(codeProblem("K7", false)).toBeNull();
    expect(codeProblem("K1", false)).toEqual({ kind: "room_code_character", character: "1" });
    expect(codeProblem("K!", false)).toEqual({ kind: "room_code_character", character: "!" });
    expect(codeProblem("K7QM3X", true)).toBeNull();
  });

  test("the code in the URL is filled in, and a refusal says what to do", async () => {
    const { app, commands } = await mount(VIEWS.refused);
    expect((one(app, "#code") as HTMLInputElement).value).toBe("K7QM3X");
    expect(one(app, "[role=alert]").textContent).toContain("Nobody is in room K7QM3X.");
    expect(textOf(app)).toContain("open a room of your own");
    button(app, "Dismiss").click();
    expect(commands).toEqual([{ type: "dismiss_notice" }]);
  });

  test("while joining, progress is shown and the buttons are disabled", async () => {
    const { app } = await mount(VIEWS.joining);
    expect(textOf(app)).toContain("mat-vec – 60%");
    expect(button(app, "Open a room").disabled).toBe(true);
  });
});
