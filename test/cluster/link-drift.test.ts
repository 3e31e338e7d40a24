/** Links whose laps take another time than they predict are measured again, once per difference. */
import { expect, test } from "vitest";
import { HALF, MODEL_URL } from "../../tools/room/test-data.ts";
import { type Tab, until, withRoom } from "../../tools/room/test-room.ts";

const LAPS = 8;

/** Two stages, and what the first of them reports of the wire. */
async function twoStages(tabs: readonly Tab[]) {
  const { client } = tabs[0]!;
  await client.place({ model: MODEL_URL });
  const first = tabs.find(({ id }) => id === client.state.placement?.stages[0]?.member)!;
  const report = (wireMs: number, laps = LAPS) =>
    first.client.dispatch({
      type: "report_laps",
      placement: client.state.placement!.id,
      computeMs: [1],
      wireMs: Array.from({ length: laps }, () => wireMs),
    });
  const drifts = () =>
    client.log.events.filter(({ event }) => event.type === "links_drifted").length;
  const measuredAgain = async (since: number) => {
    await until(
      () =>
        client.state.links.every(({ drifted, measuredAtMs }) => !drifted && measuredAtMs > since),
      "new measurements",
    );
  };
  return { client, first, report, drifts, measuredAgain };
}

test("a drift leads to a measurement; a difference that remains is the new normal", async () => {
  await withRoom(async (room) => {
    const tabs = [
      await room.add("a", { memoryBytes: HALF }),
      await room.add("b", { memoryBytes: HALF }),
    ];
    const { report, drifts, measuredAgain } = await twoStages(tabs);
    const before = performance.now();
    await report(40);
    expect(drifts()).toBe(1);
    await measuredAgain(before);
    await report(40);
    expect(drifts()).toBe(1);
    await report(44); // less than the usual variation
    expect(drifts()).toBe(1);
    const again = performance.now();
    await report(400);
    expect(drifts()).toBe(2);
    await measuredAgain(again);
  });
});

test("few laps, laps as predicted, and reports of other stages lead to no measurement", async () => {
  await withRoom(async (room) => {
    const tabs = [
      await room.add("a", { memoryBytes: HALF }),
      await room.add("b", { memoryBytes: HALF }),
    ];
    const { client, first, report, drifts } = await twoStages(tabs);
    await report(400, LAPS - 1);
    await report(0.5);
    const other = tabs.find(({ id }) => id !== first.id)!;
    await other.client.dispatch({
      type: "report_laps",
      placement: client.state.placement!.id,
      computeMs: [1],
      wireMs: Array.from({ length: LAPS }, () => 400),
    });
    expect(drifts()).toBe(0);
  });
});
