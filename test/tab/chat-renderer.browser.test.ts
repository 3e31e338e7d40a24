/** The real worker: a template that does not finish ends with it, and the page keeps running. */
import { expect, test } from "vitest";
import { openChatRenderer } from "../../src/tab/chat-renderer.ts";

const messages = [{ role: "user", content: "Hello" }];
const of = (source: string) => ({ source, bosText: "", eosText: "" });
const nested =
  "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}";

test("10^9 iterations end at the deadline, and the next chat is rendered", async () => {
  const { render, end } = openChatRenderer(undefined, 500);
  const endless = render(of(nested), messages);
  let turns = 0;
  let isWaiting = true;
  const count = async () => {
    for (; isWaiting; turns++) await new Promise((resolve) => setTimeout(resolve));
  };
  const counting = count();
  await expect(endless).rejects.toMatchObject({ failure: { reason: "chat_template_timeout" } });
  isWaiting = false;
  await counting;
  expect(turns).toBeGreaterThan(5);
  expect(await render(of("{{ messages[0].content }}"), messages)).toBe("Hello");
  end();
});
