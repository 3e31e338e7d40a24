/**
 * What the users of the package see: all of its types, and its errors. Imports only the types of
 * `openai`, so that this file alone becomes the package's declarations.
 */
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
} from "openai/resources/chat/completions";

export type JoinOptions = {
  /** The Tabmesh server: "http://localhost:8787". */
  readonly server: string;
  /** The room's code: six characters, in any case. Or its link, which the page's share dialog shows. */
  readonly code: string;
  /** Placed if nothing is placed in the room: an id, a file name, or the URL of a GGUF file. */
  readonly model?: string;
  /** The name by which the other members see this tab. */
  readonly name?: string;
  /** Join without computing. */
  readonly observe?: boolean;
  /** STUN and TURN servers. The default is the server's own list. */
  readonly iceServers?: readonly RTCIceServer[];
  /** Limits the GPU memory that this tab lends to the room. */
  readonly memoryBudgetBytes?: number;
  readonly onProgress?: (progress: JoinProgress) => void;
};

export type JoinProgress = {
  readonly step: "probing" | "connecting" | "placing";
  /** 0 to 1; null if it is not known. */
  readonly fraction: number | null;
};

export type JoinRoom = (options: JoinOptions) => Promise<Room>;

export type Room = {
  /** The room's state after the latest event; a new object after each. */
  readonly state: RoomState;
  /**
   * The room's link: who has it can join. Another one after a member was removed.
   */
  readonly link: string;
  /** Calls `listener` after each change of the state. Returns a function that ends this. */
  readonly subscribe: (listener: (state: RoomState) => void) => () => void;
  /** Places a model. Resolves when every stage has loaded; rejects with a `TabmeshError`. */
  readonly place: (options: PlaceOptions) => Promise<void>;
  /** Streams an answer. Throws a `TabmeshError`. */
  readonly chat: (
    messages: readonly ChatMessage[],
    options?: ChatOptions,
  ) => AsyncIterable<ChatPart>;
  /** The part of an `OpenAI` client that a room offers. */
  readonly openai: {
    readonly chat: { readonly completions: { readonly create: CreateChatCompletion } };
  };
  /**
   * Leaves the room and frees the tab's workers and connections. While answers run, others first take
   * over the layers that this tab has.
   */
  readonly leave: () => Promise<void>;
};

/** The layers `[first, end)` of one member. */
export type Stage = { readonly member: string; readonly first: number; readonly end: number };

export type PlaceOptions = {
  /** An id, a file name, or the URL of a GGUF file. */
  readonly model: string;
  /** In the order of the layers; without them the solver chooses. */
  readonly stages?: readonly Stage[];
  readonly signal?: AbortSignal;
};

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

export type ChatOptions = {
  /** The default is the placed model, or the first that the server offers. */
  readonly model?: string;
  /** The default is as many as the context has space for. */
  readonly maxTokens?: number;
  /** 0 always takes the most probable token. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  /** The same seed gives the same answer; random unless given. */
  readonly seed?: number;
  /** The answer ends before any of these. */
  readonly stop?: string | readonly string[];
  /** Ends the answer early, without an error. */
  readonly signal?: AbortSignal;
};

export type ChatPart = {
  readonly text: string;
  /** Why the answer ended; null except in the last part. */
  readonly finish: "stop" | "length" | null;
};

/** The default model is the placed one, or the first that the server offers. */
type ModelOptional<Params extends { model: unknown }> = Omit<Params, "model"> & {
  model?: string;
};

export type CreateChatCompletion = {
  (
    body: ModelOptional<ChatCompletionCreateParamsNonStreaming>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ChatCompletion>;
  (
    body: ModelOptional<ChatCompletionCreateParamsStreaming>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<AsyncIterable<ChatCompletionChunk>>;
};

/** A reason as data; the other fields depend on `reason`. */
export type Reason = { readonly reason: string };

/** The part of the room's state that programs can depend on. */
export type RoomState = {
  readonly room: string;
  /** The member that numbers events and decides placements; `epoch` rises with each. */
  readonly coordinator: string;
  readonly epoch: number;
  readonly members: readonly MemberState[];
  /** Measured between each ordered pair of members. */
  readonly links: readonly {
    readonly from: string;
    readonly to: string;
    readonly roundTripMs: number;
    readonly bytesPerMs: number;
  }[];
  /** Models that the room knows and can load. */
  readonly models: readonly ModelState[];
  readonly placement: {
    readonly model: ModelState;
    readonly stages: readonly Stage[];
    readonly contextTokens: number;
    /** Null for stages that a person chose. */
    readonly predictedMs: number | null;
    /** Every stage has loaded. */
    readonly ready: boolean;
    readonly error: Reason | null;
  } | null;
  readonly generations: readonly {
    readonly id: number;
    readonly requester: string;
    readonly status: "queued" | "running";
  }[];
};

export type ModelState = {
  /** The model's id. */
  readonly name: string;
  readonly fileBytes: number;
  readonly quantization: string;
  readonly contextTokens: number;
};

export type MemberState = {
  readonly id: string;
  readonly name: string;
  /** Null if the member does not compute; `noAdapter` is then the reason. */
  readonly adapter: { readonly browser: string; readonly software: boolean } | null;
  readonly noAdapter: Reason | null;
  /** Null until the first sample. */
  readonly device: {
    readonly memoryBudgetBytes: number;
    readonly memoryUsedBytes: number;
    readonly tokensPerSecond: number;
    readonly stepMs: number;
    readonly busyFraction: number;
    readonly throttleRatio: number;
    readonly visible: boolean;
  } | null;
  /** The layers `[first, end)` that the member holds or loads. */
  readonly shard: {
    readonly first: number;
    readonly end: number;
    readonly status: "loading" | "ready" | "failed";
    readonly loadedBytes: number;
    readonly totalBytes: number;
    readonly error: Reason | null;
  } | null;
};

export type TabmeshErrorCode =
  /** The server or a member cannot be reached. */
  | "unreachable"
  /** The request makes no sense, whatever the room. */
  | "bad_request"
  /** The prompt has more tokens than the room's context. */
  | "context_length_exceeded"
  /** No such member or room. */
  | "not_found"
  /** This member has too many answers in progress; ask again later. */
  | "busy"
  /** No member computes, or the model cannot be placed now. */
  | "unavailable"
  /** The work had begun and failed. */
  | "failed"
  | "cancelled"
  /** Another protocol version or another room. */
  | "refused"
  | "bad_room_code"
  | "model_not_found"
  | "invalid_value"
  | "unsupported_value"
  /** Everything that is not expected; see `cause`. */
  | "internal_error";

export class TabmeshError extends Error {
  override readonly name = "TabmeshError";
  readonly code: TabmeshErrorCode;
  /** The data that the message was rendered from, where there is any. */
  readonly reason: Readonly<Record<string, unknown>> | null;

  constructor(
    code: TabmeshErrorCode,
    message: string,
    reason: Readonly<Record<string, unknown>> | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.reason = reason;
  }
}
