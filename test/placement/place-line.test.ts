/** Lines of `npm run place`: a problem becomes an answer of the published shape, or names the wrong field. */
import { describe, expect, test } from "vitest";
import { placeLine } from "../../scripts/place-line.ts";
import { THREE } from "./three.ts";

describe("lines of the command", () => {
  const options = { deadlineMs: 100, now: () => 0, objective: undefined };
  test("a problem becomes an answer of the published shape", () => {
    const answer = placeLine(JSON.stringify(THREE), options);
    expect(JSON.parse(JSON.stringify(answer))).toEqual({
      kind: "optimal",
      name: "three",
      stages: [{ member: "far", first: 0, end: 8 }],
      costMs: 19,
      lowerBoundMs: 19,
      bottleneckMs: 19,
      elapsedMs: 0,
      parts: { computeMs: 18, stageMs: 1, hopMs: 0 },
    });
  });
  test("an infeasible problem has sentences for its remedies", () => {
    const members = THREE.members.map((each) => ({ ...each, memoryBytes: 250 }));
    expect(placeLine(JSON.stringify({ ...THREE, members }), options)).toMatchObject({
      kind: "infeasible",
      binds: "memory",
      shortBytes: 150,
      wouldHelp: [expect.stringMatching("one more member"), expect.any(String)],
    });
  });
  test("an option replaces the objective", () => {
    const answer = placeLine(JSON.stringify(THREE), { ...options, objective: "throughput" });
    expect(answer).not.toMatchObject({ costMs: 19 });
  });
  test.each([
    ["no JSON", "{", "JSON"],
    ["a number", "3", "object"],
    ["a short list", { members: [{ ...THREE.members[0], layerMs: [1] }] }, "members[0].layerMs"],
    ["a negative time", { members: [{ ...THREE.members[0], stageMs: -1 }] }, "members[0].stageMs"],
    ["a link to nobody", { links: [{ ...THREE.links[0], to: "x" }] }, "links[0].to"],
    ["a missing field", { model: { ...THREE.model, embedBytes: undefined } }, "model.embedBytes"],
    ["an unknown objective", { objective: "speed" }, "objective"],
    ["no members", { members: [] }, "members"],
    ["the same id twice", { members: [THREE.members[0], THREE.members[0]] }, "members[1].id"],
    ["no bandwidth", { links: [{ ...THREE.links[0], bytesPerMs: 0 }] }, "links[0].bytesPerMs"],
  ])("%s is an error that names the field", (_what, change, field) => {
    const line = typeof change === "string" ? change : JSON.stringify({ ...THREE, ...change });
    const answer = placeLine(line, options);
    expect(answer).toMatchObject({ kind: "error" });
    if (answer.kind === "error") expect(answer.message).toContain(field);
    if (typeof change !== "string") expect(answer.name).toBe("three");
  });
});
