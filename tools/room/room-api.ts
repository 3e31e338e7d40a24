/** A room over HTTP, as the demo and the end-to-end tests use it, with waiting. */
import type { KernelReport } from "../../src/shared/index.ts";

export type ApiStage = { readonly member: string; readonly first: number; readonly end: number };

export type ApiState = {
  readonly coordinator: string;
  readonly epoch: number;
  readonly index: number;
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly color: number;
    readonly adapter: {
      readonly browser: string;
      readonly vendor: string;
      readonly architecture: string;
    } | null;
    readonly noAdapter: { readonly reason: string } | null;
    readonly measurements: { readonly matVecMacsPerMs: number } | null;
    readonly shard: {
      readonly status: string;
      readonly phase: string;
      readonly error: object | null;
      readonly kernels: KernelReport | null;
    } | null;
  }[];
  readonly placement: {
    readonly model: string;
    readonly ready: boolean;
    readonly error: { readonly reason: string } | null;
    readonly stages: readonly ApiStage[];
  } | null;
  readonly generations: readonly { readonly status: string }[];
};

export class RoomApi {
  readonly server: string;
  readonly room: string;

  constructor(server: string, room: string) {
    this.server = server;
    this.room = room;
  }

  /** The response, whatever its status; a header names the room. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { "x-tabmesh-room": this.room, "content-type": "application/json" };
    return fetch(this.server + path, { ...init, headers: { ...headers, ...init.headers } });
  }

  async get<T>(path: string): Promise<T> {
    return (await checked(await this.fetch(path))).json() as Promise<T>;
  }

  /** Rejects with the room's message when it responds with an error. */
  async post(path: string, body: unknown): Promise<Response> {
    return checked(await this.fetch(path, { method: "POST", body: JSON.stringify(body) }));
  }

  state(): Promise<ApiState> {
    return this.get("/api/state");
  }

  /** Waits until the state satisfies `wanted`; the room need not exist yet. */
  async waitFor(
    what: string,
    timeoutMs: number,
    wanted: (state: ApiState) => boolean,
  ): Promise<ApiState> {
    const end = Date.now() + timeoutMs;
    let last = "no such room";
    while (Date.now() < end) {
      const response = await this.fetch("/api/state");
      if (response.ok) {
        const state = (await response.json()) as ApiState;
        if (wanted(state)) return state;
        last = describe(state);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`waited ${timeoutMs / 1000} s for ${what}; last seen: ${last}`);
  }

  /** Waits until `count` members have measured their adapters. */
  waitForMembers(count: number, timeoutMs: number): Promise<ApiState> {
    return this.waitFor(
      `${count} members that compute`,
      timeoutMs,
      ({ members }) => members.filter(({ measurements }) => measurements !== null).length >= count,
    );
  }

  /** Places `model`; resolves when every stage has loaded. */
  async place(model: string, stages?: readonly ApiStage[]): Promise<void> {
    await this.post("/api/placements", { model, ...(stages ? { stages } : {}) });
  }
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const text = await response.text();
  throw new Error(`${response.url} answered ${response.status}: ${errorMessage(text)}`);
}

function errorMessage(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? text;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function describe({ members }: ApiState): string {
  if (members.length === 0) return "no member";
  return members
    .map(({ name, measurements, noAdapter }) => {
      if (measurements !== null) return `${name} is ready`;
      return `${name} ${noAdapter === null ? "is measuring" : `does not compute (${noAdapter.reason})`}`;
    })
    .join(", ");
}
