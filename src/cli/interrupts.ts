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
    console.error("\nStopping. Press again to stop at once.");
    this.#controller.abort();
  };

  constructor() {
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
export async function interruptibly<T>(message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  using interrupts = new Interrupts();
  return await interruptible(message, interrupts.signal, () => work(interrupts.signal));
}
