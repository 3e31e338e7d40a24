/** The room that the page is in: its commands, and its part of the view. */
import { type PageRoom, TabmeshError } from "../api/index.ts";
import { invitationLink, roomFailureOf, type RoomNotice } from "../shared/index.ts";
import type { CommandInRoom } from "../ui/index.ts";
import { Chat } from "./chat.ts";
import { RoomInsight } from "./room-insight.ts";
import type { ViewStore } from "./view-store.ts";

export type Joined = Pick<PageRoom, "client" | "parts" | "close" | "place">;

const PLACING = { label: "Placing the model", fraction: null } as const;

export class RoomPage {
  readonly joined: Joined;
  readonly #store: ViewStore;
  readonly #report: (notice: RoomNotice) => void;
  /** The notice that the model cannot be placed, until it is placed again. */
  #unplaced: ViewStore["view"]["notice"] = null;
  readonly #chat: Chat;
  readonly #insight: RoomInsight;
  #left = false;

  constructor(joined: Joined, store: ViewStore, report: (notice: RoomNotice) => void) {
    this.joined = joined;
    this.#store = store;
    this.#report = report;
    this.#chat = new Chat(store);
    this.#insight = new RoomInsight(joined.client, store);
  }

  /** From now on the view follows the room, whose links lead to `origin`. */
  start(origin: string): void {
    const { client } = this.joined;
    if (this.#left) return;
    const { self, state } = client;
    this.#store.update({ phase: "inside", self, code: state.room, progress: null });
    client.onNotice((notice) => {
      this.#report(notice);
      const isLasting =
        notice.kind === "placement_failed" && notice.failure.reason === "not_placed_again";
      this.#unplaced = isLasting ? this.#store.view.notice : null;
    });
    client.subscribe(() => this.#follow(origin));
    this.#follow(origin);
  }

  async act(command: CommandInRoom): Promise<void> {
    const { client, parts } = this.joined;
    switch (command.type) {
      case "send_message":
        return this.#chat.ask(client, command.text);
      case "stop_answer":
        return this.#chat.stop();
      case "clear_chat":
        return this.#chat.clear();
      case "place_model":
        return this.#placing(client.place({ model: command.source }));
      case "place_file":
        return this.#placeFile(command.file);
      case "place_stages":
        return this.#placing(client.place({ model: command.model, stages: command.stages }));
      case "draft_stages":
        return this.#insight.showDraft(command.model, command.stages);
      case "rename_member":
        await client.dispatch({ type: "rename", name: command.name });
        return;
      case "choose_member":
      case "remove_member":
      case "change_settings":
      case "change_admission":
        await client.dispatch(command);
        return;
      case "show_preview":
        return this.#insight.showPreview(command.shown);
      case "clear_model_cache":
        await parts.clearStoredModels();
        return this.#report({ kind: "stored_models_deleted" });
      default:
        command satisfies never;
    }
  }

  async #placeFile(file: File): Promise<void> {
    const { client, parts } = this.joined;
    // The last progress may arrive after the end: it comes from another thread.
    let isRead = false;
    const place = async () => {
      const added = parts.models.addFile(file, file.name, ({ doneBytes, totalBytes }) => {
        if (isRead) return;
        const fraction = doneBytes / totalBytes;
        this.#store.update({ progress: { label: `Reading ${file.name}`, fraction } });
      });
      const { source } = await added.finally(() => (isRead = true));
      this.#store.update({ progress: PLACING });
      await client.place({ model: source });
    };
    await this.#placing(place());
  }

  /** An id, a file name, or the URL of a GGUF file. */
  placeNamed(model: string): Promise<void> {
    return this.#placing(this.joined.place({ model }));
  }

  /** At once. */
  leave(): void {
    this.#left = true;
    this.#chat.stop();
    this.#chat.follow(null);
    this.#insight.stop();
    this.joined.close();
  }

  /** After every change of the room. */
  #follow(origin: string): void {
    if (this.#left) return;
    const { state, connection, key } = this.joined.client;
    // The room has another link after a member was removed.
    const joinUrl = invitationLink(origin, state.room, key.secret);
    this.#store.update({ state, connection, joinUrl });
    if (this.#unplaced !== null && state.placement?.error == null) {
      if (this.#store.view.notice === this.#unplaced) this.#store.update({ notice: null });
      this.#unplaced = null;
    }
    this.#chat.follow(state.placement?.id ?? null);
    this.#insight.update();
  }

  async #placing(placed: Promise<void>): Promise<void> {
    this.#store.update({ notice: null, progress: PLACING });
    try {
      await placed;
    } catch (error) {
      this.#report(noticeOfError(error));
    } finally {
      this.#store.update({ progress: null });
    }
  }
}

/** The library's error wraps the one whose data makes the better notice. */
export function noticeOfError(error: unknown): RoomNotice {
  const cause = error instanceof TabmeshError ? error.cause : error;
  return { kind: "failed", failure: roomFailureOf(cause) };
}
