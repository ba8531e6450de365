/** @file Ends a supervised training whose update was not finite: further steps would not mend it. */
import type { StepMetrics } from "../engine/engine.ts";
import { UserError } from "../util/errors.ts";

/** @throws UserError when the update of a step was left out, or has spoilt a parameter */
export function needFinite(step: number, { skipped, notFinite, spoilt }: StepMetrics): void {
  if (!skipped && spoilt === undefined) return;
  throw new UserError(
    spoilt === undefined
      ? `Step ${step} was not finite (${notFinite.join(", ")}).`
      : `The update of step ${step} left ${spoilt} with values that are not finite.`,
    "Lower the learning rate, or compute in precision: float32.",
  );
}
