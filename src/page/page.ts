/**
 * The page's state and what its commands do: holds one room at most, joins what
 * the room, the chat and the probe say into a `PageView`.
 */
import { joinRoom, readOfferedModels, readServerFacts, TabmeshError } from "../api/index.ts";
import type { RoomClient } from "../cluster/index.ts";
import type { ProbeResult } from "../probe/index.ts";
import {
  type PageCommand,
  RoomCode,
  roomFailureOf,
  type RoomNotice,
  type ModelSource,
  type ServerFacts,
  type Stage,
} from "../shared/index.ts";
import type { Notice, PageView } from "../ui/index.ts";
import { describeNotice, nameOfRoom } from "../words/index.ts";
import { describeAdapter } from "./describe-adapter.ts";
import { checkAdapter, type TabParts } from "../tab/index.ts";
import { newRoomCode, readAddress, roomAddress, shareOrigin } from "./address.ts";
import { Chat } from "./chat.ts";
import { draftOf } from "./preview-view.ts";
import { RoomInsight, type Insight } from "./room-insight.ts";

/** Long parts, which are new objects whenever they change: only their identity is compared. */
const COMPARED_BY_IDENTITY: readonly string[] = ["state", "chat"];

type Room = {
  readonly client: RoomClient;
  readonly parts: TabParts;
  readonly leave: () => Promise<void>;
  readonly insight: RoomInsight;
};

export class Page {
  readonly #show: (view: PageView) => void;
  readonly #chat = new Chat(() => this.#update(this.#chat.view));
  #view: PageView;
  #room: Room | null = null;
  /** Of the server that serves this page; null where it is another server than ours. */
  readonly #facts: Promise<ServerFacts | null> = readServerFacts(location.origin);
  #probe: Promise<ProbeResult>;

  constructor(show: (view: PageView) => void) {
    this.#show = show;
    const address = readAddress(location.href);
    this.#view = {
      phase: "outside",
      self: null,
      code: address.code,
      joinUrl: null,
      state: null,
      connection: "connected",
      notice: address.wrongCode === null ? null : wrongCode(address.wrongCode),
      progress: null,
      chat: [],
      timings: [],
      offeredModels: [],
      adapterCheck: { status: "checking", message: "Checking this machine’s GPU" },
      predicted: [],
      placementPreview: null,
    };
    this.#show(this.#view);
    this.#probe = this.#measure(false);
    void this.#offers().then((offeredModels) => this.#update({ offeredModels }));
    if (address.join && address.code !== null) {
      void this.#enter(address.code, { observe: address.observe, mustExist: false });
    }
  }

  /** Never rejects: what fails becomes a notice. */
  readonly act = async (command: PageCommand): Promise<void> => {
    try {
      await this.#act(command);
    } catch (error) {
      this.#report({ kind: "failed", failure: roomFailureOf(error) });
    }
  };

  /** A person picked a GGUF on this machine: lends it to the room and places it. */
  readonly takeFile = async (file: File): Promise<void> => {
    const room = this.#room;
    if (room === null) return;
    const { client, parts } = room;
    const place = async () => {
      const { source } = await parts.models.addFile(file, file.name);
      await client.place({ model: source });
    };
    await this.#placing(place());
  };

  /** A boundary is being moved: says what the draft would cost. */
  readonly draft = (model: string, stages: readonly Stage[] | null): void => {
    const client = this.#room?.client;
    const summary = client?.state.models.find(({ name }) => name === model);
    if (client === undefined || summary === undefined) return;
    const known = this.#view.placementPreview;
    const rest = known?.model === model ? known : { model, candidates: [] };
    const draft =
      stages === null ? null : draftOf(client.previewStages(summary, stages), client.state.members);
    this.#update({ placementPreview: { ...rest, draft } });
  };

  async #act(command: PageCommand): Promise<void> {
    switch (command.type) {
      case "open_room":
        return this.#enter(newRoomCode(), { observe: false, mustExist: false });
      case "join_room": {
        const code = RoomCode.safeParse(command.code);
        if (!code.success) return this.#tell(wrongCode(command.code));
        return this.#enter(code.data, { observe: command.observe, mustExist: true });
      }
      case "leave_room":
        return this.#leave();
      case "dismiss_notice":
        return this.#update({ notice: null });
      case "clear_chat":
        return this.#chat.clear();
      case "stop_answer":
        return this.#chat.stop();
      default:
    }
    const room = this.#room;
    if (room === null) return;
    const { client, parts } = room;
    switch (command.type) {
      case "send_message":
        return this.#chat.ask(client, command.text);
      case "place_model":
        return this.#placing(client.place({ model: command.source }));
      case "place_stages":
        return this.#placing(client.place({ model: command.model, stages: command.stages }));
      case "rename_member":
        await client.dispatch({ type: "rename", name: command.name });
        return;
      case "choose_member":
      case "change_settings":
        await client.dispatch(command);
        return;
      case "measure_again":
        return this.#measureAgain(room);
      case "clear_model_cache":
        await parts.clearStoredModels();
        return this.#tell({
          level: "info",
          message: "The models stored on this machine were deleted.",
          whatToDo: null,
        });
    }
  }

  async #enter(code: RoomCode, { observe, mustExist }: { observe: boolean; mustExist: boolean }) {
    if (this.#room !== null || this.#view.phase === "joining") return;
    this.#update({ phase: "joining", code, notice: null });
    try {
      const { client, parts, leave } = await joinRoom({
        server: location.origin,
        code,
        observe,
        mustExist,
        probe: this.#probe,
        onWarning: (message) => this.#tell({ level: "warning", message, whatToDo: null }),
      });
      const insight = new RoomInsight(client, (part) => this.#learn(part));
      await this.#inside({ client, parts, leave, insight });
    } catch (error) {
      this.#update({ phase: "outside", progress: null });
      const cause = error instanceof TabmeshError ? error.cause : error;
      this.#report({ kind: "failed", failure: roomFailureOf(cause) });
    }
  }

  async #inside(room: Room): Promise<void> {
    const { client } = room;
    this.#room = room;
    const code = client.state.room;
    const query = new URL(location.href);
    query.searchParams.set("room", code);
    history.replaceState(null, "", query);
    this.#update({
      phase: "inside",
      self: client.self,
      code,
      joinUrl: roomAddress(
        shareOrigin(location.origin, (await this.#facts)?.addresses ?? []),
        code,
      ),
      progress: null,
    });
    client.onNotice((notice) => this.#report(notice));
    client.subscribe(() => this.#follow(room));
    this.#follow(room);
    const { model } = readAddress(location.href);
    if (model !== null && client.state.placement === null) void this.#placeNamed(client, model);
  }

  /** After every change of the room. */
  #follow(room: Room): void {
    if (this.#room !== room) return;
    const { client } = room;
    const { state, connection } = client;
    this.#update({ state, connection });
    this.#chat.follow(state.placement?.id ?? null);
    room.insight.look();
  }

  async #placeNamed(client: RoomClient, model: string): Promise<void> {
    const offered = await this.#offers();
    const url = offered.find(({ name }) => name === model)?.url ?? model;
    const known = client.state.models.some(({ name }) => name === model);
    const source: ModelSource = { kind: "url", url };
    await this.#placing(client.place({ model: known ? model : source }));
  }

  async #placing(placed: Promise<void>): Promise<void> {
    this.#update({ notice: null, progress: { label: "Placing the model", fraction: null } });
    try {
      await placed;
    } catch (error) {
      this.#report({ kind: "failed", failure: roomFailureOf(error) });
    } finally {
      this.#update({ progress: null });
    }
  }

  async #leave(): Promise<void> {
    const room = this.#room;
    if (room === null) return;
    this.#room = null;
    this.#chat.stop();
    this.#chat.follow(null);
    room.insight.stop();
    await room.leave();
    this.#update({
      phase: "outside",
      self: null,
      state: null,
      joinUrl: null,
      predicted: [],
      placementPreview: null,
      scores: [],
    });
  }

  async #measure(again: boolean): Promise<ProbeResult> {
    const result = await checkAdapter(again, ({ label, fraction }) => {
      this.#update({
        adapterCheck: { status: "checking", message: label },
        progress: { label, fraction },
      });
    });
    this.#update({
      progress: null,
      adapterCheck: {
        status: result.adapter === null ? "none" : "ready",
        message: describeAdapter(result),
      },
    });
    return result;
  }

  async #measureAgain({ client, parts }: Room): Promise<void> {
    this.#probe = this.#measure(true);
    const { measurements } = await this.#probe;
    if (measurements === null) return;
    parts.measured(measurements);
    await client.dispatch({ type: "report_measurements", measurements });
  }

  #offers(): Promise<PageView["offeredModels"]> {
    return readOfferedModels(location.origin);
  }

  #report(notice: RoomNotice): void {
    const state = this.#room?.client.state ?? this.#view.state;
    this.#tell(describeNotice(notice, nameOfRoom(state)));
  }

  #tell(notice: Notice): void {
    this.#update({ notice });
  }

  /** What was worked out about the room; a draft that a person is at stays. */
  #learn({ preview, ...rest }: Insight): void {
    const draft = this.#view.placementPreview?.draft ?? null;
    this.#update({
      ...rest,
      ...(preview === undefined ? {} : { placementPreview: preview && { ...preview, draft } }),
    });
  }

  /** Parts that are the same as before stay the same values, so that nothing is drawn for them. */
  #update(change: Partial<PageView>): void {
    const news = Object.entries(change).filter(
      ([part, value]) => !isSame(part, this.#view[part as keyof PageView], value),
    );
    if (news.length === 0) return;
    this.#view = { ...this.#view, ...Object.fromEntries(news) };
    this.#show(this.#view);
  }
}

function isSame(part: string, one: unknown, other: unknown): boolean {
  if (one === other) return true;
  return !COMPARED_BY_IDENTITY.includes(part) && JSON.stringify(one) === JSON.stringify(other);
}

function wrongCode(text: string): Notice {
  return {
    level: "error",
    message: `"${text}" is not a room code.`,
    whatToDo:
      "A room code has 6 letters and digits, and never 0, O, 1, I, or L. Check the code on the other screen.",
  };
}
