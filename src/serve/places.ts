/** @file Room that requests take and give back: for completions, for bytes. Where there is not enough, they are refused. */
import { ApiError } from "./api-error.ts";

/** Seconds after which a refused client may try again: room becomes free with every request that ends. */
const RETRY_AFTER = "1";

export class Places {
  readonly capacity: number;
  readonly #what: string;
  #taken = 0;

  /** `what` there is room for, in words. */
  constructor(capacity: number, what: string) {
    this.capacity = capacity;
    this.#what = what;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws ApiError 429 when there is not enough room */
  take(count: number): void {
    if (this.#taken + count > this.capacity)
      throw new ApiError(429, `The server has no room for more ${this.#what} just now. Try again soon.`, {
        code: "rate_limit_exceeded",
        headers: { "Retry-After": RETRY_AFTER },
      });
    this.#taken += count;
  }

  give(count: number): void {
    this.#taken -= count;
  }
}
