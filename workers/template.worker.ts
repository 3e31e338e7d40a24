/** The thread of chat templates, which are programs from model files. src/tab/chat-renderer.ts ends it. */
import { expose } from "comlink";
import { renderChat } from "../src/model/index.ts";

const templateWorker = { isReady: () => true, render: renderChat };
expose(templateWorker);

export type TemplateWorker = typeof templateWorker;
