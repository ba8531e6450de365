/** @file The alarm of updates that are left out time and again, since something in them is not finite. */
import { type History, type Symptom, span } from "./rule.ts";

/** One step may be chance. */
const STEPS = 2;

/** Steps with an update that was left out; three of them in a row end the run. */
export function skippedUpdates({ recent }: History): Symptom | undefined {
  const bad = recent.filter(({ skipped = 0 }) => skipped > 0);
  if (bad.length < STEPS) return undefined;
  const what = [...new Set(bad.flatMap(({ notFinite = ["gradient"] }) => notFinite))];
  return {
    name: "skipped-updates",
    figures: { steps: bad.length },
    message: `In ${bad.length} of ${span(recent)} an update was left out, because something was not finite: ${what.join(", ")}.`,
    remedy: "Lower optimizer.lr, optimizer.clip_norm or loss.beta, or compute in precision: float32.",
  };
}
