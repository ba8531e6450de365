/** @file An answer in a run's `eval/` as the estimates read it: a run's numbers are its accuracy and grounding IoU. */

import type { ReadAnswer } from "../run/lines.ts";
import type { Measured } from "./manifest.ts";

/** The answer, without the metrics that no table of a run shows. */
export function measuredInRun({
  id,
  set,
  dataset,
  acc,
  giou,
}: Pick<ReadAnswer, "id" | "set" | "dataset" | "acc" | "giou">): Measured {
  return { id, set, dataset, acc, giou, giouRaw: null, f1: null, choice: null, yesNo: null };
}
