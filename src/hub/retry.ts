/** @file What is tried again, how often, and after how long. */
import { setTimeout } from "node:timers/promises";
import { UserError } from "../util/errors.ts";
import { duration } from "../util/progress.ts";

/** A failure that may pass: of the connection, or of the server. */
export class Transient extends Error {
  override name = "Transient";
  /** Milliseconds that the server asks to wait. */
  readonly after: number | undefined;

  constructor(message: string, after?: number) {
    super(message);
    this.after = after;
  }
}

/** How one waits for the hub. */
export interface Patience {
  readonly signal?: AbortSignal | undefined;
  /** Told of each failure that is not the last, with what is done about it. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Waits so many milliseconds. */
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** Failures in a row, without a byte gained between them, that are one too many. */
const ATTEMPTS = 6;
/** Milliseconds before the second attempt; each further wait is twice the last, 31 s in all. */
const FIRST_WAIT = 1000;
/** The longest wait that a server may ask for: the hub counts requests in windows of five minutes. */
const LONGEST_WAIT = 600_000;

/**
 * What `work` gives, tried again while it fails by a `Transient`. An attempt that raised `reached` counts as the first, so
 * that a large file comes over a poor line. @throws UserError when it is given up, and whatever else `work` throws
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
