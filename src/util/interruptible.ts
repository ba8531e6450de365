/** @file Work that a signal ends, and what is then said to the user. */
import { Interrupted } from "./errors.ts";

/** What ends work early: asked between its pieces, it throws when nothing more is to be done. An `AbortSignal` is one. */
export type Cancellation = Pick<AbortSignal, "throwIfAborted">;

/** A call that may be ended early. */
export interface Cancellable<Signal extends Cancellation = AbortSignal> {
  /** Once it fires the call fails with its reason. */
  readonly signal?: Signal | undefined;
}

/** Does work that ends by the signal's reason when it fires. @throws Interrupted with this message when it has */
export async function interruptible<T>(
  message: string | (() => string),
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
    throw new Interrupted(typeof message === "string" ? message : message());
  }
}

/**
 * What some reading comes to, or the signal's reason as soon as it fires: for work that knows no signal, and leaves nothing
 * behind when nobody waits for it any more.
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, reading: Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  if (!signal) return reading;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([reading, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
