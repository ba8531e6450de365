/** @file Which samples of a data file are shown. */

/** What there is to a line. */
export const DATA_OUTCOMES = ["with boxes", "without boxes", "faulty"] as const;
export type DataOutcome = (typeof DATA_OUTCOMES)[number];

/** What is wanted; a key that is absent wants anything. */
export interface DataFilter {
  /** Words in question, answer or id, in any case. */
  readonly words?: string | undefined;
  readonly dataset?: string | undefined;
  readonly task?: string | undefined;
  readonly outcome?: DataOutcome | undefined;
}
