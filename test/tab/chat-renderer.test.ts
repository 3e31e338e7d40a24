/** A chat template that does not finish is ended with its worker. */
import { expect, test } from "vitest";
import { renderChat } from "../../src/model/chat-template.ts";
import { openChatRenderer } from "../../src/tab/chat-renderer.ts";
import { asWorker, FakeWorker } from "./fake-worker.ts";

const template = {
  source: "{% for m in messages %}{{ m.content }}{% endfor %}",
  bosText: "",
  eosText: "",
};
const messages = [{ role: "user", content: "Hello" }];
const works = { isReady: () => true, render: renderChat };
const hangs = { ...works, render: () => new Promise<never>(() => undefined) };

function open(services: readonly object[], deadlineMs = 20) {
  const workers: FakeWorker[] = [];
  const renderer = openChatRenderer(() => {
    const worker = new FakeWorker(services[workers.length] ?? {});
    workers.push(worker);
    return asWorker(worker);
  }, deadlineMs);
  return { ...renderer, workers };
}

test("a chat is rendered by the worker, which starts with the first chat", async () => {
  const { render, end, workers } = open([works], 10_000);
  expect(workers).toHaveLength(0);
  expect(await render(template, messages)).toBe("Hello");
  expect(await render(template, messages)).toBe("Hello");
  expect(workers).toHaveLength(1);
  end();
});

test("past its deadline a template fails by name, and the next chat gets a new worker", async () => {
  const { render, workers } = open([hangs, hangs, works]);
  const both = [render(template, messages), render(template, messages)];
  for (const late of both) {
    await expect(late).rejects.toMatchObject({
      failure: { reason: "chat_template_timeout", timeoutMs: 20 },
    });
  }
  expect(await render(template, messages)).toBe("Hello");
  expect(workers.map(({ terminated }) => terminated)).toEqual([true, true, false]);
});

test("a template that fails keeps the worker", async () => {
  const { render, workers } = open([works], 10_000);
  await expect(render({ ...template, source: "{% if %}" }, messages)).rejects.toThrow(
    "chat_template_unreadable",
  );
  expect(await render(template, messages)).toBe("Hello");
  expect(workers).toHaveLength(1);
});

test("a worker that fails is replaced for the next chat", async () => {
  const render = () => {
    opened.workers[0]!.fail("out of memory");
    return hangs.render();
  };
  const opened = open([{ ...works, render }, works], 10_000);
  await expect(opened.render(template, messages)).rejects.toMatchObject({
    failure: { reason: "worker_failed" },
  });
  expect(await opened.render(template, messages)).toBe("Hello");
  expect(opened.workers).toHaveLength(2);
});

test("after its end nothing is rendered and no worker starts", async () => {
  const { render, end, workers } = open([works]);
  end();
  await expect(render(template, messages)).rejects.toMatchObject({
    failure: { reason: "worker_ended" },
  });
  expect(workers).toHaveLength(0);
});
