/**
 * Sample pages: outside, loading, failing, sixteen members, long names, a long chat. Used
 * by the tests and by preview.html, so that what is tested can be viewed.
 */
import type { Member } from "../../src/shared/member.ts";
import type { ChatMessage, PageView, PlacementPreview } from "../../src/ui/page-view.ts";
import type { Placement, Stage } from "../../src/shared/state.ts";
import {
  LARGE_MODEL,
  ROOM,
  SMALL_MODEL,
  id,
  member,
  placed,
  room,
  watcher,
} from "./sample-room.ts";

const JOIN_URL = "https://192.168.1.24:8788/#K7QM3X.dGhlIHNlY3JldCBvZiBhIHNhbXBsZSByb29tISEhISE";

const OUTSIDE: PageView = {
  phase: "outside",
  self: null,
  code: null,
  joinUrl: null,
  state: null,
  connection: "connected",
  notice: null,
  progress: null,
  chat: [],
  timings: [],
  offeredModels: [],
  adapterCheck: { status: "ready", message: "This tab can compute: Intel Xe, Chromium 156." },
};

const OFFERED = [
  {
    name: "SmolLM2-135M-Instruct.Q4_1",
    url: "http://localhost:8787/models/SmolLM2-135M-Instruct.Q4_1.gguf",
  },
  {
    name: "Qwen2.5-0.5B-Instruct.Q4_K_M",
    url: "http://localhost:8787/models/Qwen2.5-0.5B-Instruct.Q4_K_M.gguf",
  },
];

export function ask(text: string): ChatMessage {
  return {
    role: "user",
    text,
    status: "done",
    error: null,
    recovery: null,
    tokens: 0,
    tokensPerSecond: null,
    firstTokenMs: null,
  };
}

export function answer(text: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    role: "assistant",
    text,
    status: "done",
    error: null,
    recovery: null,
    tokens: Math.ceil(text.length / 4),
    tokensPerSecond: 18.42,
    firstTokenMs: 312,
    ...more,
  };
}

const MARKDOWN_ANSWER = `The capital of France is **Paris**. A few facts:

1. It lies on the *Seine*.
2. About 2.1 million people live in the city.
   - The region counts 12 million.

\`\`\`python
def capital(country: str) -> str:
    return {"France": "Paris", "Japan": "Tokyo", "Kenya": "Nairobi"}[country]
\`\`\`

Call \`capital("France")\`, and see <b>this is text</b> at https://example.org/paris.

| City | People |
|---|---|
| Paris | 2.1 M |
| Lyon | 0.5 M |`;

const CHAT = [ask("What is the capital of France?"), answer(MARKDOWN_ANSWER)];

function inside(members: readonly Member[], placement: Placement | null): PageView {
  const timings =
    placement?.stages.map((stage, index) => ({
      member: stage.member,
      computeMs: 3.1 + ((index * 5) % 7),
      hopMs: 0.6 + (index % 3) * 0.5,
    })) ?? [];
  return {
    ...OUTSIDE,
    phase: "inside",
    self: members[0]!.id,
    joinUrl: JOIN_URL,
    state: room(members, placement),
    offeredModels: OFFERED,
    chat: placement?.ready ? CHAT : [],
    timings: placement?.ready ? timings : [],
    predicted: timings.map(({ computeMs, ...timing }) => ({
      ...timing,
      computeMs: computeMs * 0.93,
    })),
  };
}

const TRIO = ["Desk, Chromium 156 on Linux", "MacBook in the kitchen", "Old ThinkPad, Firefox"].map(
  (name, index) => member(index, name),
);
const three = placed(TRIO, SMALL_MODEL, null);
const chosen = three.members.map((each, index) => ({
  ...each,
  use: (["auto", "pin", "exclude"] as const)[index]!,
}));
const loadingThree = placed(TRIO, SMALL_MODEL, { fraction: 0.7 });
const failingThree = placed(TRIO, SMALL_MODEL, { fraction: 0.7, failedAt: 1 });
const SIXTEEN = Array.from({ length: 16 }, (_, index) => member(index, `Lab machine ${index + 1}`));
const sixteen = placed(SIXTEEN, LARGE_MODEL, null);
const LONG_NAME = "Chromium 156 on the very old workstation under Ms Wintergreen-Abernathy's desk";
const long = placed([member(0, LONG_NAME), member(1, "x".repeat(80))], SMALL_MODEL, null);

/** Two candidates, one impossible; `draft` is null until the page asks for one. */
export const PREVIEW: PlacementPreview = {
  model: SMALL_MODEL.name,
  draft: null,
  candidates: [
    {
      label: "Lowest latency",
      stages: [{ ...stageOf(0, 0, 30), computeMs: 12.1, hopMs: 0, problem: null }],
      msPerToken: 12.1,
      tokensPerSecond: 82.6,
      explanation: [
        "Desk runs all 30 layers, so nothing is transferred.",
        "Including MacBook in the kitchen would add 1.90 ms per token.",
      ],
      infeasible: null,
    },
    {
      label: "Most answers at once",
      stages: [
        { ...stageOf(0, 0, 20), computeMs: 8.2, hopMs: 0.6, problem: null },
        { ...stageOf(1, 20, 30), computeMs: 5.3, hopMs: 0.8, problem: null },
      ],
      msPerToken: 14.9,
      tokensPerSecond: 121,
      explanation: ["Desk limits the speed: its 20 layers take 8.20 ms of each lap."],
      infeasible: null,
    },
    {
      label: "Only the ThinkPad",
      stages: [{ ...stageOf(2, 0, 30), computeMs: 71, hopMs: 0, problem: null }],
      msPerToken: 71,
      tokensPerSecond: 14,
      explanation: ["1.2 GB more memory on this machine would make it possible."],
      infeasible: "The context does not fit: Old ThinkPad, Firefox is 1.2 GB short.",
    },
  ],
};

function stageOf(index: number, first: number, end: number): Stage {
  return { member: id(`member-${index}`), first, end };
}

const longChat = Array.from({ length: 40 }, (_, index) => [
  ask(`Question ${index + 1}: what follows from this?`),
  answer(`Answer ${index + 1}. ${"It follows that nothing is certain. ".repeat(6)}`),
]).flat();

export const VIEWS = {
  outside: OUTSIDE,
  replay: {
    ...inside(failingThree.members, failingThree.placement),
    phase: "replay",
    self: null,
    joinUrl: null,
    replay: {
      position: 41,
      length: 96,
      event:
        "MacBook in the kitchen left. The channel was closed. The layers must move: its stage is gone.",
    },
  },
  refused: {
    ...OUTSIDE,
    code: ROOM,
    adapterCheck: {
      status: "none",
      message:
        "This browser has no WebGPU adapter: the driver is on its blocklist. You can still join to chat and watch.",
    },
    notice: {
      level: "error",
      message: "Nobody is in room K7QM3X.",
      whatToDo: "Check the code on the other screen, or open a room of your own.",
    },
  },
  joining: {
    ...OUTSIDE,
    phase: "joining",
    code: ROOM,
    adapterCheck: { status: "checking", message: "Looking for a WebGPU adapter." },
    progress: { label: "Measuring this machine: mat-vec", fraction: 0.6 },
  },
  empty: inside([TRIO[0]!], null),
  watchers: inside([TRIO[0]!, watcher(7, "insecure_context"), watcher(8, "observer")], null),
  loading: {
    ...inside([...loadingThree.members, watcher(7, "no_webgpu")], loadingThree.placement),
    progress: { label: "Reading the model's header", fraction: 0.35 },
  },
  failing: {
    ...inside(failingThree.members, failingThree.placement),
    connection: "reconnecting",
    notice: {
      level: "warning",
      message: "MacBook in the kitchen could not load its layers.",
      whatToDo: "Check the model's address, or choose the file itself.",
    },
    chat: [
      ask("And now?"),
      answer("Let me th", {
        status: "failed",
        error: "MacBook in the kitchen left in the middle of the answer.",
        tokens: 3,
      }),
    ],
  },
  answering: {
    ...inside(chosen, three.placement),
    chat: [
      ...CHAT,
      ask("Tell me more about the Seine, briefly."),
      answer("The Seine rises in Burgundy and flows **777 km", { status: "streaming" }),
    ],
    placementPreview: PREVIEW,
    state: {
      ...room(chosen, three.placement),
      lastDecision: {
        index: 11,
        outcome: "stays",
        model: SMALL_MODEL.name,
        trigger: {
          kind: "changes",
          changes: [
            {
              kind: "member",
              member: id("member-2"),
              change: "joined",
              brokenRules: [],
            },
          ],
        },
        reason: {
          kind: "cost",
          move: {
            kind: "gain_below_threshold",
            gainMs: 1.2,
            currentMs: 22.3,
            minGainFraction: 0.05,
          },
        },
        currentMs: 22.3,
        proposedMs: 21.1,
        gainMs: 1.2,
        bytesToLoad: 47e6,
        includesPenalties: false,
        isTokenTime: true,
        waitingAnswers: 0,
      },
    },
    scores: chosen.map((each, index) => ({
      member: each.id,
      total: 0.97 - index * 0.21,
      compute: 1 - index * 0.4,
      memory: 1 - index * 0.2,
      network: 0.8,
      thermal: 1,
      bandwidth: 0.7,
    })),
  },
  sixteen: inside(sixteen.members, sixteen.placement),
  long: { ...inside(long.members, long.placement), chat: longChat },
} satisfies Record<string, PageView>;

export type ViewName = keyof typeof VIEWS;
