/**
 * Chat templates in a worker. A template is a program from a model's file: one that does not
 * finish in time is ended with its worker, and the next chat gets a new worker.
 */
import type { ChatTemplate, ChatTurn } from "../model/index.ts";
import { beforeDeadline, failureOf } from "../shared/index.ts";
import type { TemplateWorker } from "../../workers/template.worker.ts";
import { workerClient } from "./worker-client.ts";

/** Rejects with a failure if the template fails or exceeds a limit of time or memory. */
export type ChatRenderer = (
  template: ChatTemplate,
  messages: readonly ChatTurn[],
) => Promise<string>;

/** The templates of real models take milliseconds. */
const DEADLINE_MS = 2000;

export function openChatRenderer(
  startWorker = startTemplateWorker,
  deadlineMs = DEADLINE_MS,
): { readonly render: ChatRenderer; readonly end: () => void } {
  const client = workerClient<TemplateWorker>(startWorker, "chat template", () => client.restart());
  let previous: Promise<unknown> = Promise.resolve();

  async function rendered(...chat: Parameters<ChatRenderer>): Promise<string> {
    // The deadline does not include loading the worker's script.
    await client.remote.isReady();
    const late = { reason: "chat_template_timeout", timeoutMs: deadlineMs } as const;
    const answer = beforeDeadline(client.remote.render(...chat), deadlineMs, late);
    return answer.catch((error: unknown) => {
      if (failureOf(error).reason === late.reason) client.restart();
      throw error;
    });
  }

  return {
    /** One at a time, so that a chat does not pay for the template of another one. */
    render: (...chat) => {
      const result = previous.then(() => rendered(...chat));
      previous = result.catch(() => undefined);
      return result;
    },
    end: () => client.end(),
  };
}

function startTemplateWorker(): Worker {
  return new Worker(new URL("../../workers/template.worker.ts", import.meta.url), {
    type: "module",
  });
}
