/** @file What the processes of a team and rank 0 say to each other, and the words in which one is missed. */
import type { Failure } from "../util/failure.ts";

/** What a process tells rank 0. */
export type ToHub =
  | { readonly kind: "beat" | "leave" }
  | { readonly kind: "at"; readonly phase: string }
  | { readonly kind: "say"; readonly key: string; readonly value: unknown }
  | { readonly kind: "halt"; readonly failure: Failure };

/** What rank 0 answers. */
export type FromHub =
  | { readonly kind: "beat" | "left" | "unsettled" }
  | { readonly kind: "said"; readonly key: string; readonly values: readonly unknown[] }
  | { readonly kind: "halted"; readonly rank: number; readonly failure: Failure }
  | { readonly kind: "lost"; readonly rank: number; readonly message: string };

/** The phase in which all begin. */
export const FIRST_PHASE = "opening the model";
/** The phase in which all have stopped. */
export const ENDING = "ending";

/** How a process was missed whose connection has ended. */
export const GONE = "ended without a word";

/** How a process was missed that says nothing. */
export function silent(timeout: number): string {
  return `gave no sign of life for ${timeout / 1000} s`;
}

export function lostMessage(rank: number, how: string, phase: string): string {
  return `Rank ${rank} ${how}, in this phase: ${phase}.`;
}
