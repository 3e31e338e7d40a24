/**
 * Seeded placement problems: homes, labs, distant sites, and adversarial instances.
 */
import { Problem } from "../../src/placement/index.ts";
import { randomFrom, type Random } from "./random.ts";

export const FAMILIES = ["home", "lab", "sites", "adversarial"] as const;
export type Family = (typeof FAMILIES)[number];

/** Beyond so many members, their memory is no longer shrunk to make the room tight. */
const MAX_SHARING = 48;
const MEBIBYTE = 2 ** 20;

type Machine = { readonly speed: number; readonly memory: number; readonly access: number };

/** Kinds of machines at home: ms per layer of 100 MiB, memory in MiB, access latency in ms. */
const AT_HOME: readonly Machine[] = [
  { speed: 0.4, memory: 12_000, access: 0.3 },
  { speed: 0.9, memory: 8_000, access: 0.5 },
  { speed: 1.8, memory: 6_000, access: 1.5 },
  { speed: 4, memory: 4_000, access: 2 },
  { speed: 9, memory: 2_000, access: 4 },
];

/** A problem of `family`, probably feasible; the same for the same seed. */
export function generate(family: Family, members: number, seed: number): Problem {
  const random = randomFrom(seed * 2_654_435 + members * 97 + FAMILIES.indexOf(family));
  const layers = random.whole(28, 126);
  const layerBytes = random.between(40, 400) * MEBIBYTE;
  const cacheBytes = random.between(2, 40) * MEBIBYTE;
  const evenLayers = random.whole(0, 1) === 1;
  const model = {
    layers: Array.from({ length: layers }, () => ({
      weightBytes: Math.round(layerBytes * (evenLayers ? 1 : random.noise(0.15))),
      kvBytes: Math.round(cacheBytes),
    })),
    embedBytes: Math.round(layerBytes * random.between(0.5, 3)),
    headBytes: 0,
    tied: random.whole(0, 1) === 1,
    hiddenBytes: 4 * random.pick([576, 2048, 4096, 8192]),
  };
  model.headBytes = model.embedBytes;
  const total = layers * (layerBytes + cacheBytes) + model.embedBytes * 2;
  const machines = machinesOf(family, members, random);
  // In a large room a member still holds a layer or two.
  const crowd = Math.min(1, MAX_SHARING / members);
  const offered = machines.reduce((sum, machine) => sum + machine.memory, 0) * crowd;
  const slack = family === "adversarial" ? random.between(1.03, 1.5) : random.between(1.15, 3.5);
  const weights = model.layers.map((layer) => layer.weightBytes / layerBytes);
  const scale = random.between(0.3, 2);
  return Problem.parse({
    name: `${family}-${members}-${seed}`,
    objective: "latency",
    model,
    members: machines.map((machine, index) => ({
      id: `m${index}`,
      memoryBytes: Math.round((machine.memory / offered) * total * slack),
      stageMs: random.between(0.3, 3),
      layerMs: weights.map((weight) => weight * machine.speed * scale),
      embedMs: 0.05 * machine.speed,
      headMs: machine.speed * random.between(0.8, 2),
    })),
    links: linksOf(family, machines, random),
  });
}

function machinesOf(family: Family, members: number, random: Random): Machine[] {
  return Array.from({ length: members }, (_, index): Machine => {
    if (family === "home") {
      const kind = random.pick(AT_HOME);
      return {
        speed: kind.speed * random.noise(0.2),
        memory: kind.memory * random.noise(0.2),
        access: kind.access * random.noise(0.3),
      };
    }
    if (family === "lab") {
      const slow = random.between(0, 1) < 0.15 ? random.between(1.5, 4) : 1;
      return { speed: slow * random.noise(0.05), memory: 8000 * random.noise(0.02), access: 0.2 };
    }
    if (family === "sites")
      return {
        speed: random.between(0.4, 4),
        memory: random.between(3000, 16_000),
        access: (index % 4) * 0.2 + 0.2,
      };
    return { speed: random.between(0.2, 8), memory: random.between(1000, 12_000), access: 0 };
  });
}

function linksOf(family: Family, machines: readonly Machine[], random: Random) {
  const siteCount = random.whole(2, 5);
  const site = machines.map(() => random.whole(0, siteCount - 1));
  const apart = Array.from({ length: siteCount * siteCount }, () => random.between(8, 90));
  const links: { from: string; to: string; latencyMs: number; bytesPerMs: number }[] = [];
  machines.forEach((from, i) =>
    machines.forEach((to, j) => {
      if (i === j) return;
      const add = (latencyMs: number, bytesPerMs: number) =>
        links.push({ from: `m${i}`, to: `m${j}`, latencyMs, bytesPerMs });
      if (family === "home")
        return add((from.access + to.access) * random.noise(0.15), random.between(2000, 60_000));
      if (family === "lab") return add(0.4 * random.noise(0.2), random.between(50_000, 120_000));
      if (family === "sites") {
        const [a, b] = [site[i]!, site[j]!];
        const far = a === b ? 0 : apart[Math.min(a, b) * siteCount + Math.max(a, b)]!;
        return add(
          (far + from.access + to.access) * random.noise(0.1),
          random.between(1000, 40_000),
        );
      }
      if (random.between(0, 1) < 0.12) return;
      return add(random.between(0.2, 60), random.between(200, 50_000));
    }),
  );
  return links;
}
