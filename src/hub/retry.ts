/** @file Retries: what is tried again, how often, and after how long. */
import { setTimeout } from "node:timers/promises";
import { UserError } from "../util/errors.ts";
import { duration } from "../util/quantities.ts";

/** A failure of the connection or the server that may be temporary. */
export class Transient extends Error {
  override name = "Transient";
  /** Milliseconds that the server asks to wait. */
  readonly after: number | undefined;

  constructor(message: string, after?: number) {
    super(message);
    this.after = after;
  }
}

/** How a retry waits. */
export interface Patience {
  readonly signal?: AbortSignal | undefined;
  /** Called after each failure that is retried, with a message for the user. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Waits so many milliseconds. */
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** Gives up after this many failures in a row without a byte received. */
const ATTEMPTS = 6;
/** Milliseconds before the second attempt; each further wait is twice as long, 31 s in all. */
const FIRST_WAIT = 1000;
/** The longest wait that a server may ask for: the hub counts requests in windows of five minutes. */
const LONGEST_WAIT = 600_000;

/**
 * What `work` gives, tried again while it fails by a `Transient`. An attempt that raised `reached` resets the count, so that a
 * large file also arrives over a poor connection. @throws UserError when it gives up, and whatever else `work` throws
 */
export async function retrying<T>(
  { signal, onNotice, wait = pause }: Patience,
  work: () => Promise<T>,
  reached: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  let best = reached();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      failures = reached() > best ? 1 : failures + 1;
      best = Math.max(best, reached());
      const ms = error.after ?? FIRST_WAIT * 2 ** (failures - 1);
      if (failures === ATTEMPTS || ms > LONGEST_WAIT) throw givenUp(error, failures, ms);
      onNotice?.(`${error.message}; trying again in ${duration(ms / 1000)}`);
      await wait(ms, signal);
    }
  }
}

function givenUp(error: Transient, failures: number, ms: number): UserError {
  const asked = ms > LONGEST_WAIT ? `, and asks to wait ${duration(ms / 1000)}` : "";
  const tries = failures > 1 ? `, ${failures} times in a row` : "";
  return new UserError(
    `${error.message}${tries}${asked}.`,
    "Run the same command again later; what has come is kept, and it goes on from there.",
  );
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, signal && { signal });
}
