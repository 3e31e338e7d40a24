import { describe, expect, test } from "vitest";
import type { PageView } from "../../src/ui/page-view.ts";
import { all, button, mount, one, press, settled, type, textOf } from "./mount.ts";
import { answer, ask, VIEWS } from "./sample-views.ts";

const READY: PageView = { ...VIEWS.answering, chat: VIEWS.sixteen.chat };
const atEnd = (log: HTMLElement) => log.scrollHeight - log.scrollTop - log.clientHeight;

describe("asking", () => {
  test("Enter sends and clears the field", async () => {
    const { app, commands } = await mount(READY);
    const field = one(app, "textarea") as HTMLTextAreaElement;
    type(field, "  And of Japan?\nBriefly.  ");
    press(field, "Enter");
    await settled(app);
    expect(commands).toEqual([{ type: "send_message", text: "And of Japan?\nBriefly." }]);
    expect(field.value).toBe("");
  });

  test("Shift and Enter, an Enter that ends a composition, and blanks send nothing", async () => {
    const { app, commands } = await mount(READY);
    const field = one(app, "textarea");
    type(field, "Tokyo");
    expect(press(field, "Enter", { shiftKey: true }).defaultPrevented).toBe(false);
    press(field, "Enter", { isComposing: true });
    type(field, "   ");
    press(field, "Enter");
    expect(commands).toEqual([]);
  });

  test("the send button sends; without a model it is disabled with a reason", async () => {
    const { app, commands } = await mount(READY);
    type(one(app, "textarea"), "Hello");
    await settled(app);
    button(app, "Send").click();
    expect(commands).toEqual([{ type: "send_message", text: "Hello" }]);
    app.view = VIEWS.empty;
    await settled(app);
    expect(button(app, "Send").disabled).toBe(true);
    expect(textOf(app)).toContain("Choose a model to start chatting");
  });

  test("an answer can be stopped, and a conversation cleared", async () => {
    const { app, commands } = await mount(VIEWS.answering);
    type(one(app, "textarea"), "Impatient");
    press(one(app, "textarea"), "Enter");
    button(app, "Stop generating").click();
    app.view = READY;
    await settled(app);
    button(app, "Clear").click();
    expect(commands).toEqual([{ type: "stop_answer" }, { type: "clear_chat" }]);
  });

  test("an interrupted answer says what it waits for, and can be stopped", async () => {
    const recovery = "Ada left. Recovering: loading layers, 40%.";
    const broken = answer("It was a", { status: "queued", recovery });
    const { app, commands } = await mount({ ...READY, chat: [ask("A story?"), broken] });
    expect(textOf(app)).toContain(recovery);
    expect(textOf(app)).not.toContain("Waiting in the queue");
    button(app, "Stop generating").click();
    expect(commands).toEqual([{ type: "stop_answer" }]);
  });

  test("an answer that reached its limit says so and can be continued", async () => {
    const cut = answer("Once upon a", { status: "token_limit", tokens: 1024 });
    const { app, commands } = await mount({ ...READY, chat: [ask("A story?"), cut] });
    expect(textOf(app)).toContain("The answer reached its limit of 1,024 tokens.");
    button(app, "Continue").click();
    expect(commands).toEqual([{ type: "send_message", text: "Continue." }]);
  });

  test("after a failure the same question can be retried", async () => {
    const { app, commands } = await mount({ ...READY, chat: VIEWS.failing.chat });
    expect(textOf(app)).toContain("left in the middle of the answer");
    button(app, "Try again").click();
    expect(commands).toEqual([{ type: "send_message", text: "And now?" }]);
  });
});

describe("reading", () => {
  test("speed and time to the first token are below the answer", async () => {
    const { app } = await mount(READY);
    expect(textOf(app)).toMatch(/109 tokens · 18\.4 tokens\/s · first token after 312 ms/);
  });

  test("HTML in an answer is shown as text and never becomes elements", async () => {
    const hostile =
      "<img src=x onerror=alert(1)> **<script>x</script>** [go](javascript:alert(1)) `<b>`";
    const { app } = await mount({ ...READY, chat: [ask("?"), answer(hostile)] });
    const prose = one(app, ".prose");
    expect(prose.textContent).toContain("<img src=x onerror=alert(1)>");
    expect(prose.querySelector("img, script, b, a")).toBeNull();
    expect(prose.querySelector("strong")?.textContent).toBe("<script>x</script>");
  });

  test("the page scrolls with the answer at its end, and stays when scrolled up", async () => {
    const { app } = await mount(VIEWS.long);
    const log = one(app, ".log");
    expect(log.scrollHeight).toBeGreaterThan(log.clientHeight * 2);
    expect(atEnd(log)).toBeLessThan(2);

    log.scrollTop = 200;
    log.dispatchEvent(new Event("scroll"));
    await settled(app);
    app.view = { ...VIEWS.long, chat: [...VIEWS.long.chat, answer("More. ".repeat(200))] };
    await settled(app);
    expect(log.scrollTop).toBe(200);

    button(app, "Jump to latest").click();
    await settled(app);
    expect(atEnd(log)).toBeLessThan(2);
    app.view = { ...VIEWS.long, chat: [...VIEWS.long.chat, answer("Again. ".repeat(400))] };
    await settled(app);
    expect(atEnd(log)).toBeLessThan(2);
  });

  test("a live region announces complete sentences while the answer streams", async () => {
    const { app } = await mount(READY);
    const region = () => one(app, "[aria-live=polite].unseen").textContent.trim();
    const stream = async (text: string, status: "streaming" | "done") => {
      app.view = { ...READY, chat: [ask("?"), answer(text, { status })] };
      await settled(app);
      return region();
    };
    expect(await stream("Paris is", "streaming")).toBe("");
    expect(await stream("Paris is the capital. It li", "streaming")).toBe("Paris is the capital.");
    expect(await stream("Paris is the capital. It lies on", "streaming")).toBe(
      "Paris is the capital.",
    );
    expect(await stream("Paris is the capital. It lies on the Seine", "done")).toBe(
      "It lies on the Seine",
    );
    expect(all(app, "[aria-busy=true]")).toHaveLength(0);
    const cut = answer("Once upon a", { status: "token_limit", tokens: 9 });
    app.view = { ...READY, chat: [ask("A story?"), { ...cut, status: "streaming" }] };
    await settled(app);
    app.view = { ...READY, chat: [ask("A story?"), cut] };
    await settled(app);
    expect(region()).toBe("Once upon a The answer reached its limit of 9 tokens.");
  });
});
