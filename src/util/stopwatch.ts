/** @file A stopwatch for work in phases. */

/** Adds up the seconds of phases: each lap charges the time since the last one to a phase. */
export class Stopwatch {
  readonly #start: number;
  #last: number;
  readonly #seconds: Record<string, number>;

  /** @param start when the first lap begins, in milliseconds since the process did. @param before seconds of earlier phases */
  constructor(start = performance.now(), before: Readonly<Record<string, number>> = {}) {
    this.#start = start;
    this.#last = start;
    this.#seconds = { ...before };
  }

  lap(phase: string): void {
    const now = performance.now();
    this.#seconds[phase] = (this.#seconds[phase] ?? 0) + (now - this.#last) / 1000;
    this.#last = now;
  }

  /** Seconds by phase. */
  seconds(): Record<string, number> {
    return { ...this.#seconds };
  }

  /** Seconds since the start, the phases before it not counted. */
  total(): number {
    return (performance.now() - this.#start) / 1000;
  }
}
