/**
 * The controller of the page: carries out its commands and keeps its view. Holds one
 * room at most (`room-page.ts`). Knows no elements.
 */
import type { ProbeResult } from "../probe/index.ts";
import {
  apply,
  readInvitation,
  readRoomLog,
  type RoomCode,
  type RoomLog,
  type RoomNotice,
  type RoomState,
  type TabWarning,
  writeRoomLog,
} from "../shared/index.ts";
import { forgetRoom, keepLink, readKeptRoom } from "../tab/index.ts";
import type { PageCommand, PageView } from "../ui/index.ts";
import { describeEvent, describeNotice, describeOwnAdapter, nameOfRoom } from "../words/index.ts";
import { addressInRoom, newRoomCode, readAddress, shareOrigin } from "./address.ts";
import { browserEnvironment, type PageEnvironment } from "./environment.ts";
import { noticeOfError, RoomPage } from "./room-page.ts";
import { ViewStore } from "./view-store.ts";

/** The progress of the measurement is shown elsewhere. */
const CHECKING = { status: "checking", message: "Checking this machine's GPU" } as const;

export class Page {
  readonly #environment: PageEnvironment;
  readonly #store: ViewStore;
  #room: RoomPage | null = null;
  /** The room that hands over this tab's layers, before it leaves. */
  #leaving: RoomPage | null = null;
  /** The saved log that is shown in place of a room, and the room's state before and after each event. */
  #replay: { readonly log: RoomLog; readonly states: readonly RoomState[] } | null = null;
  #probe: Promise<ProbeResult>;

  /** `first` is the view before anything is known. */
  constructor(first: PageView, show: (view: PageView) => void, environment = browserEnvironment()) {
    this.#environment = environment;
    const address = readAddress(environment.href());
    if (address.code !== null && address.secret !== null) {
      keepLink(environment.storage, address.code, address.secret);
      environment.showAddress(addressInRoom(environment.href(), address.code));
    }
    this.#store = new ViewStore({ ...first, code: address.code, adapterCheck: CHECKING }, show);
    if (address.wrongCode !== null) {
      this.#report({ kind: "wrong_room_code", text: address.wrongCode });
    }
    if (address.wrongLink) this.#report({ kind: "wrong_room_link" });
    this.#probe = this.#measure(false);
    void environment.offeredModels().then((offeredModels) => this.#store.update({ offeredModels }));
    if (address.join && address.code !== null) {
      void this.#enter(address.code, { observe: address.observe, mustExist: false });
    }
  }

  /** Never rejects: a failure becomes a notice. */
  readonly act = async (command: PageCommand): Promise<void> => {
    try {
      await this.#act(command);
    } catch (error) {
      this.#report(noticeOfError(error));
    }
  };

  async #act(command: PageCommand): Promise<void> {
    switch (command.type) {
      case "open_room":
        return this.#enter(newRoomCode(), { observe: false, mustExist: false });
      case "join_room": {
        const { invitation: text, observe } = command;
        const invitation = readInvitation(text);
        if (invitation === null) {
          const isLink = text.includes("#");
          return this.#report(
            isLink ? { kind: "wrong_room_link" } : { kind: "wrong_room_code", text },
          );
        }
        const { code, secret } = invitation;
        const { storage } = this.#environment;
        if (secret !== null) keepLink(storage, code, secret);
        // A reload of the room's only tab closed the room: that tab may open it again.
        const wasInRoom = readKeptRoom(storage, code)?.member != null;
        return this.#enter(code, { observe, mustExist: !wasInRoom });
      }
      case "leave_room": {
        const { code } = this.#store.view;
        if (code !== null) forgetRoom(this.#environment.storage, code);
        const room = this.#room;
        // A second request to leave does not wait.
        if (room !== null && this.#leaving !== room) {
          this.#leaving = room;
          await room.joined.client.handOver();
          if (this.#room !== room) return;
        }
        return this.unload();
      }
      case "dismiss_notice":
        return this.#store.update({ notice: null });
      case "open_log":
        if (this.#store.view.phase !== "outside") return;
        this.#replay = replayOf(readRoomLog(await command.file.text()));
        this.#store.update({ notice: null });
        return this.#showLogAt(0);
      case "show_log_at":
        return this.#showLogAt(command.position);
      case "close_log":
        this.#replay = null;
        return this.#store.update({ phase: "outside", state: null, replay: null });
      case "save_log": {
        const { log, state } = this.#room?.joined.client ?? {};
        if (log === undefined || state === undefined) return;
        const name = `tabmesh-${state.room}-${state.nextIndex}.json`;
        return this.#environment.saveFile(name, writeRoomLog(log));
      }
      case "measure_again": {
        this.#probe = this.#measure(true);
        const { measurements } = await this.#probe;
        if (measurements === null || this.#room === null) return;
        const { client, parts } = this.#room.joined;
        parts.measured(measurements);
        await client.dispatch({ type: "report_measurements", measurements });
        return;
      }
      default:
        return this.#room?.act(command);
    }
  }

  async #enter(code: RoomCode, { observe, mustExist }: { observe: boolean; mustExist: boolean }) {
    if (this.#room !== null || this.#store.view.phase === "joining") return;
    this.#store.update({ phase: "joining", code, notice: null });
    const { origin } = new URL(this.#environment.href());
    try {
      const joined = await this.#environment.join({
        server: origin,
        code,
        observe,
        mustExist,
        probe: this.#probe,
        onWarning: (warning) => this.#warned(warning),
      });
      const room = new RoomPage(joined, this.#store, (notice) => this.#report(notice));
      this.#room = room;
      this.#environment.showAddress(addressInRoom(this.#environment.href(), code));
      const facts = await this.#environment.serverFacts();
      room.start(shareOrigin(origin, facts?.addresses ?? []));
      const { model } = readAddress(this.#environment.href());
      if (model !== null && joined.client.state.placement === null) void room.placeNamed(model);
    } catch (error) {
      this.#store.update({ phase: "outside", progress: null });
      this.#report(noticeOfError(error));
    }
  }

  /** Leaves the room at once, as before a reload: the tab keeps what it needs to come back. */
  unload(): void {
    const room = this.#room;
    if (room === null) return;
    this.#room = null;
    room.leave();
    this.#store.update({
      phase: "outside",
      self: null,
      state: null,
      joinUrl: null,
      predicted: [],
      placementPreview: null,
      scores: [],
    });
  }

  #showLogAt(wanted: number): void {
    if (this.#replay === null) return;
    const { log, states } = this.#replay;
    const { length } = log.events;
    const position = Math.min(wanted, length);
    const state = states[position]!;
    const last = log.events[position - 1];
    const event = last ? describeEvent(last.event, nameOfRoom(state)) : null;
    this.#store.update({ phase: "replay", state, replay: { position, length, event } });
  }

  async #measure(again: boolean): Promise<ProbeResult> {
    const result = await this.#environment.probe(again, ({ label, fraction }) =>
      this.#store.update({ adapterCheck: CHECKING, progress: { label, fraction } }),
    );
    const status = result.adapter === null ? ("none" as const) : ("ready" as const);
    const adapterCheck = { status, message: describeOwnAdapter(result) };
    this.#store.update({ progress: null, adapterCheck });
    return result;
  }

  #warned(warning: TabWarning): void {
    // A notice is replaced by the next one; that nobody can join is shown for as long as it is so.
    if (warning.kind === "signaling_lost") this.#store.update({ serverLost: true });
    if (warning.kind === "signaling_restored") this.#store.update({ serverLost: false });
    this.#report({ kind: "warning", warning });
  }

  /** Here, at the edge, notices become sentences and members get their names. */
  #report(notice: RoomNotice): void {
    const nameOf = nameOfRoom(this.#room?.joined.client.state ?? this.#store.view.state);
    this.#store.update({ notice: describeNotice(notice, nameOf) });
  }
}

/** States share what an event does not change. */
function replayOf(log: RoomLog) {
  const states = [log.base];
  for (const event of log.events) states.push(apply(states.at(-1)!, event));
  return { log, states };
}
