/** @file How long nothing was heard of another process, and how often each gives a sign of life. */

/** How long a process may be silent, in milliseconds. */
export interface Patience {
  readonly timeout: number;
}

/** Milliseconds between two signs of life. */
export function pulseOf(timeout: number): number {
  return Math.min(5_000, timeout / 5);
}

/** How long nothing has been heard, while this process was awake itself. */
export class Silence {
  readonly #timeout: number;
  #since = performance.now();
  #looked = performance.now();

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  heard(): void {
    this.#since = performance.now();
  }

  /** Asked at every pulse. Who was stopped himself, and asks late, has not listened either. */
  isOver(): boolean {
    const now = performance.now();
    const slept = now - this.#looked - pulseOf(this.#timeout);
    this.#looked = now;
    if (slept > pulseOf(this.#timeout)) this.#since += slept;
    return now - this.#since > this.#timeout - pulseOf(this.#timeout);
  }
}
