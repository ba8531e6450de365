/**
 * @file The circuit breaker: when a service seems to be out, everyone waits while one asks whether it is back. It pauses
 * the work and, when patience ends, stops it to be resumed; it never lets an outage become a score.
 */

import { setTimeout as timer } from "node:timers/promises";
import { Interrupted } from "../util/errors.ts";

/** Why a request known to be sound was not answered; `after`: milliseconds that the service asks to wait. */
export interface Fault {
  readonly reason: string;
  readonly after: number;
  /** Waiting will not mend it. */
  readonly final: boolean;
}

export interface BreakerOptions {
  /** Asks something known to be sound: undefined when it is answered. */
  readonly probe: () => Promise<Fault | undefined>;
  /** Milliseconds that the service may be out. */
  readonly patience: number;
  readonly waits: Waits;
  readonly signal: AbortSignal | undefined;
  /** Called when the circuit opens, with the reason, and when it closes again. */
  readonly onChange?: (open: string | undefined) => void;
}

/** Milliseconds between two tries: doubled each time, from `first` to `longest`. */
export interface Waits {
  readonly first: number;
  readonly longest: number;
}

export class Breaker {
  readonly #options: BreakerOptions;
  /** While the circuit is open: whether the service was well after all. */
  #open: Promise<boolean> | undefined;
  #stopped: Interrupted | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Waits out an outage; whether there was one. @throws Interrupted when the work has been stopped */
  async pass(): Promise<boolean> {
    if (this.#stopped) throw this.#stopped;
    if (!this.#open) return false;
    await this.#open;
    return true;
  }

  /**
   * Called by a request that failed for no reason of its own that it knows: is the service out? True when it is well, so
   * that the request is at fault; false after an outage, which was waited out here.
   * @throws Interrupted when the service stays out
   */
  async isWell(): Promise<boolean> {
    if (await this.pass()) return false;
    this.#open = this.#recover().finally(() => {
      this.#open = undefined;
    });
    return await this.#open;
  }

  /** Stops all work for good. */
  stop(error: Interrupted): never {
    this.#stopped ??= error;
    throw this.#stopped;
  }

  async #recover(): Promise<boolean> {
    const { probe, patience, waits, signal, onChange } = this.#options;
    const began = Date.now();
    for (let tries = 0; ; tries++) {
      const fault = await probe();
      if (!fault) {
        if (tries > 0) onChange?.(undefined);
        return tries === 0;
      }
      const wait = Math.max(fault.after, backoff(waits, tries));
      if (fault.final || Date.now() - began + wait > patience) this.stop(new Interrupted(fault.reason));
      if (tries === 0) onChange?.(fault.reason);
      await pause(wait, signal);
    }
  }
}

/** The wait before try number `tries` + 2, with up to a quarter less so that clients do not move in step. */
export function backoff({ first, longest }: Waits, tries: number): number {
  return Math.min(longest, first * 2 ** tries) * (1 - Math.random() / 4);
}

/** Waits so many milliseconds. @throws the signal's reason as soon as it is aborted */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await timer(milliseconds, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
