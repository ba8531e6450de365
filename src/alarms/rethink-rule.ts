/** @file The alarm of answers that do not follow from the reasoning before them. */
import { type History, percent, type Symptom, span, total } from "./rule.ts";

/** Chains that the share must rest on. */
const ENOUGH = 20;
const SHARE = 0.2;

/** Chains whose rethink ends in one value and whose answer is another. */
export function answerAgainstRethink({ recent }: History): Symptom | undefined {
  const all = total(recent, ({ rethink }) => rethink.all);
  const share = total(recent, ({ rethink }) => rethink.otherwise) / all;
  if (all < ENOUGH || share <= SHARE) return undefined;
  return {
    name: "answer-against-rethink",
    figures: { share, chains: all },
    message: `${percent(share)} of the chains in ${span(recent)} whose rethink ends in a value answer with another one.`,
    remedy: "Add a term to rewards.custom that pays answers that agree with their rethink, or raise loss.beta.",
  };
}
