/** @file Turns Ctrl-C and termination into an abort signal: the work saves its state and ends; a second one ends it at once. */
import { setMaxListeners } from "node:events";
import { interruptible } from "../util/interruptible.ts";

/** What an interrupted command says that keeps nothing of what it has done. */
export const NOTHING_WRITTEN = "Interrupted; nothing was written.";

/** Listens for SIGINT and SIGTERM until disposed. The first fires `signal`; the second ends the process. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #onSignal = () => {
    this[Symbol.dispose]();
    if (this.#isHeard) console.error("\nStopping. Press again to stop at once.");
    this.#controller.abort();
  };
  readonly #isHeard: boolean;

  /** `isHeard`: whether this process answers the user. */
  constructor(isHeard = true) {
    this.#isHeard = isHeard;
    // Every call under way listens. Not 0, which is no number of listeners to those who ask for it.
    setMaxListeners(Number.POSITIVE_INFINITY, this.#controller.signal);
    process.on("SIGINT", this.#onSignal).on("SIGTERM", this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#onSignal).off("SIGTERM", this.#onSignal);
  }
}

/** Does a command's work until it ends, or a signal ends it. @throws Interrupted with this message when one has */
export async function interruptibly<T>(
  message: string,
  work: (signal: AbortSignal) => Promise<T>,
  isHeard = true,
): Promise<T> {
  using interrupts = new Interrupts(isHeard);
  return await interruptible(message, interrupts.signal, () => work(interrupts.signal));
}
