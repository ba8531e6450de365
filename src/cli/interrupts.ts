/** @file Turns Ctrl-C and termination into an abort signal: the work saves its state and ends; a second one ends it at once. */

/** Listens for SIGINT and SIGTERM until disposed. The first fires `signal`; the second ends the process. */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #onSignal = () => {
    this[Symbol.dispose]();
    console.error("\nStopping: what is finished is saved. Press again to stop at once.");
    this.#controller.abort();
  };

  constructor() {
    process.on("SIGINT", this.#onSignal).on("SIGTERM", this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off("SIGINT", this.#onSignal).off("SIGTERM", this.#onSignal);
  }
}
