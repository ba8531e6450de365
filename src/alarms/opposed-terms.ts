/** @file The alarm of reward terms that work against each other: where one is high within a group, the other is low. */
import { mean } from "../util/arrays.ts";
import { type History, type Symptom, span, total } from "./rule.ts";

const CLEARLY = -0.3;
/** Standard errors from none at all: many pairs are looked at, in every step. */
const ERRORS = 4;

/** The two terms that oppose each other most. */
export function opposedTerms({ recent }: History): Symptom | undefined {
  const names = [...new Set(recent.flatMap(({ signs }) => Object.keys(signs?.correlations ?? {})))];
  const pairs = names.map((pair) => {
    const varied = recent.filter(({ signs }) => Number.isFinite(signs?.correlations[pair]));
    // Each group's mean takes one degree of freedom.
    const freedom = total(varied, ({ chains, groups }) => chains - groups.all);
    const r = varied.length > 0 ? mean(varied.map(({ signs }) => signs!.correlations[pair]!)) : 0;
    return { pair, r, errors: -Math.atanh(Math.max(r, -0.999)) * Math.sqrt(freedom) };
  });
  const worst = pairs.filter(({ r, errors }) => r < CLEARLY && errors > ERRORS).sort((a, b) => a.r - b.r)[0];
  if (!worst) return undefined;
  const [a, b] = worst.pair.split(", ");
  return {
    name: "opposed-terms",
    figures: { correlation: worst.r },
    message: `The terms ${a} and ${b} of the reward work against each other in ${span(recent)}: their correlation within groups is ${worst.r.toFixed(2)}.`,
    remedy: "Lower the weight of one of them where it is defined in rewards.custom, or leave it out.",
  };
}
