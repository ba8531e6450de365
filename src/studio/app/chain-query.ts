/** @file The filter of chains as the address has it. */

import type { ChainFilter } from "../chain-filter.ts";
import { OUTCOMES, type Outcome } from "../chain-filter.ts";
import type { Place } from "./place.ts";

/** The filter; values that are none are left out. */
export function filterOf({ words, dataset, task, outcome, least, most }: Place): ChainFilter {
  const number = (text: string | undefined) =>
    text !== undefined && Number.isFinite(Number(text)) ? Number(text) : undefined;
  return {
    words,
    dataset,
    task,
    outcome: OUTCOMES.includes(outcome as Outcome) ? (outcome as Outcome) : undefined,
    least: number(least),
    most: number(most),
  };
}

/** The keys of the address that make the filter. */
export const FILTER_KEYS = ["words", "dataset", "task", "outcome", "least", "most"] as const;

/** No filter at all. */
export const NO_FILTER = Object.fromEntries(FILTER_KEYS.map((key) => [key, undefined]));

/** Does the filter want anything? */
export function isFiltering(filter: ChainFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}
