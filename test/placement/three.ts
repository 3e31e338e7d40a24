import { Problem } from "../../src/placement/problem/problem.ts";

/** Three machines, worked by hand: the fast one holds 4 layers, the others 8. */
export const THREE = Problem.parse({
  name: "three",
  objective: "latency",
  model: {
    layers: Array.from({ length: 8 }, () => ({ weightBytes: 100, kvBytes: 0 })),
    embedBytes: 50,
    headBytes: 50,
    tied: true,
    hiddenBytes: 1000,
  },
  members: [
    {
      id: "fast",
      memoryBytes: 450,
      stageMs: 1,
      layerMs: Array<number>(8).fill(1),
      embedMs: 0,
      headMs: 1,
    },
    {
      id: "near",
      memoryBytes: 900,
      stageMs: 1,
      layerMs: Array<number>(8).fill(3),
      embedMs: 0,
      headMs: 3,
    },
    {
      id: "far",
      memoryBytes: 900,
      stageMs: 1,
      layerMs: Array<number>(8).fill(2),
      embedMs: 0,
      headMs: 2,
    },
  ],
  links: ["fast", "near", "far"].flatMap((from) =>
    ["fast", "near", "far"]
      .filter((to) => to !== from)
      .map((to) => ({
        from,
        to,
        latencyMs: from === "far" || to === "far" ? 10 : 1,
        bytesPerMs: 1000,
      })),
  ),
});
