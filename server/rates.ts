/** The rate limits that the parts of a server share, by address. */
import { GuessLimit } from "./guess-limit.ts";
import type { Limits } from "./limits.ts";
import { RateLimit } from "./rate-limit.ts";

export type Rates = {
  readonly requests: RateLimit;
  readonly messages: RateLimit;
  readonly guesses: GuessLimit;
  readonly strays: RateLimit;
};

export function createRates({ requests, messages, guesses, strays }: Limits): Rates {
  return {
    requests: new RateLimit(requests),
    messages: new RateLimit(messages),
    guesses: new GuessLimit(guesses),
    strays: new RateLimit(strays),
  };
}
