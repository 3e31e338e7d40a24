/** What the demo prints: plain lines in columns. Pure. */
import type { ApiState } from "../../tools/room/room-api.ts";
import type { Answer } from "../../tools/room/ask.ts";

/** Which member holds which layers, one line per stage. */
export function placementLines({ members, placement }: ApiState): readonly string[] {
  return (placement?.stages ?? []).map(({ member, first, end }, index) => {
    const found = members.find(({ id }) => id === member);
    const layers = `layers ${first} to ${end - 1}`.padEnd(17);
    return `  stage ${index}  ${layers} ${found?.adapter?.browser ?? "?"} (${found?.name ?? member})`;
  });
}

/** Where the time of one token went, one line per stage. */
export function timingLines({ tokens, timings }: Answer): readonly string[] {
  const perSecond = timings.tokens_per_second;
  const first = timings.first_token_ms;
  const ms = (value: number) => `${value.toFixed(1).padStart(8)} ms`;
  return [
    `${tokens} tokens, ${perSecond === null ? "too few for a rate" : `${perSecond.toFixed(2)} tokens/s`}` +
      (first === null ? "" : `, first token after ${first.toFixed(0)} ms`),
    ...timings.stages.map(
      ({ compute_ms, hop_ms }, index) =>
        `  stage ${index}  compute ${ms(compute_ms)}   hop ${ms(hop_ms)}`,
    ),
  ];
}
