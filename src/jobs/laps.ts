/** @file The seconds of a job by phase. */

/** Puts the time since the last lap down to a phase. */
export class Laps {
  #last: number;
  readonly #seconds: Record<string, number>;

  /** @param start when the first lap begins, in seconds since the process did. @param before seconds of phases that are over */
  constructor(start = performance.now() / 1000, before: Readonly<Record<string, number>> = {}) {
    this.#last = start;
    this.#seconds = { ...before };
  }

  lap(phase: string): void {
    const now = performance.now() / 1000;
    this.#seconds[phase] = (this.#seconds[phase] ?? 0) + now - this.#last;
    this.#last = now;
  }

  seconds(): Record<string, number> {
    return { ...this.#seconds };
  }
}
