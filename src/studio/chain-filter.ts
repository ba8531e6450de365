/** @file Which chains are shown: one definition for the server, which searches all steps, and the page, which shows one. */

import type { ChainFact } from "./studio-data.ts";

/** How a chain came out. */
export const OUTCOMES = ["right", "wrong", "in form", "out of form", "unscored"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What is wanted; a key that is absent wants anything. */
export interface ChainFilter {
  /** Words in the question or the chain, in any case. */
  readonly words?: string | undefined;
  readonly dataset?: string | undefined;
  readonly task?: string | undefined;
  readonly outcome?: Outcome | undefined;
  /** The total lies from `least` to `most`, both included. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** Whether a chain is wanted, but for the words. */
export function isWanted(chain: ChainFact, { dataset, task, outcome, least, most }: ChainFilter): boolean {
  if (dataset !== undefined && chain.dataset !== dataset) return false;
  if (task !== undefined && chain.task !== task) return false;
  if (outcome !== undefined && !cameOut(chain, outcome)) return false;
  if (least === undefined && most === undefined) return true;
  const { total } = chain;
  return total !== null && total >= (least ?? total) && total <= (most ?? total);
}

function cameOut({ right, wellFormed, total }: ChainFact, outcome: Outcome): boolean {
  switch (outcome) {
    case "right":
      return right === true;
    case "wrong":
      return right === false;
    case "in form":
      return wellFormed;
    case "out of form":
      return !wellFormed;
    case "unscored":
      return total === null;
  }
}
