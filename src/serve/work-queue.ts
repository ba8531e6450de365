/** @file Completions take turns: so many run at once, so many more wait, further requests are refused. */
import { ApiError } from "./api-error.ts";

export interface QueueSize {
  /** Completions that are sampled at once, in one batch. */
  readonly running: number;
  /** Completions that may wait for that. */
  readonly waiting: number;
}

export const DEFAULT_QUEUE: QueueSize = { running: 64, waiting: 256 };

/** Seconds after which a refused client may try again: a place becomes free with every completion that ends. */
const RETRY_AFTER = "1";

export class WorkQueue {
  readonly #size: QueueSize;
  #running = 0;
  /** Places given to requests, whether their completions run, wait, or are not asked for yet. */
  #taken = 0;
  /** Those who wait, in the order in which they came. */
  readonly #waiting: (() => void)[] = [];

  constructor(size: QueueSize = DEFAULT_QUEUE) {
    this.#size = size;
  }

  /** Completions there is room for at all. */
  get capacity(): number {
    return this.#size.running + this.#size.waiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Requests and their completions that are in the house, their bodies being read included. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes places for so many completions. @throws ApiError 429 when there are not as many */
  take(count: number): void {
    if (this.#taken + count > this.capacity)
      throw new ApiError(429, `The server has ${this.#taken} completions to make already. Try again soon.`, {
        code: "rate_limit_exceeded",
        headers: { "Retry-After": RETRY_AFTER },
      });
    this.#taken += count;
  }

  /** Gives places back. */
  give(count: number): void {
    this.#taken -= count;
  }

  /** Does a piece of work when its turn has come. @throws what the work throws; the signal's reason when it fires before */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      // The turn passes on to the next in line, so that nobody who comes just now gets in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#size.running) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const proceed = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(proceed);
    });
  }
}
