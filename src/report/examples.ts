/** @file Picks the chains that the page shows by fixed rules, so that none is chosen for its looks. */

import { SOUND } from "../judge/sound-rating.ts";
import type { ReadAnswer, RolloutLine } from "../run/lines.ts";
import { known } from "./number-format.ts";

/** One held-out sample answered by the base and by the trained model; either may be missing in a live run. */
export interface Example {
  readonly sample: ReadAnswer;
  readonly before: ReadAnswer | undefined;
  readonly after: ReadAnswer | undefined;
  readonly why: "first" | "became right" | "became wrong";
}

/** Each rule takes this many of each set. */
const EACH = 2;

/** The rule, as the page states it. */
export const EXAMPLE_RULE =
  `Of each set: its first ${EACH} samples, then the first ${EACH} others that became right, then the first ${EACH} others ` +
  "that became wrong, in file order. An answer counts as right from an accuracy of 0.5, in sets without answers from an IoU of 0.5; " +
  "one that could not be scored counts as neither.";

/** Picks examples by `EXAMPLE_RULE`; samples are matched by set and id. */
export function pickExamples(before: readonly ReadAnswer[], after: readonly ReadAnswer[]): Example[] {
  const key = (sample: ReadAnswer) => `${sample.set}\n${sample.id}`;
  const beforeByKey = new Map(before.map((sample) => [key(sample), sample]));
  const afterByKey = new Map(after.map((sample) => [key(sample), sample]));
  const samples = before.length > 0 ? before : after;
  return [...new Set(samples.map((sample) => sample.set))].flatMap((set) => {
    const pairs = samples
      .filter((sample) => sample.set === set)
      .map((sample) => ({ sample, before: beforeByKey.get(key(sample)), after: afterByKey.get(key(sample)) }));
    const changed = (to: boolean) =>
      pairs
        .slice(EACH)
        .filter((p) => p.before && p.after && isRight(p.after) === to && isRight(p.before) === !to)
        .slice(0, EACH);
    return [
      ...pairs.slice(0, EACH).map((pair): Example => ({ ...pair, why: "first" })),
      ...changed(true).map((pair): Example => ({ ...pair, why: "became right" })),
      ...changed(false).map((pair): Example => ({ ...pair, why: "became wrong" })),
    ];
  });
}

/** Whether an answered sample is right, or rated to make nothing up; undefined when it could not be scored, or has neither accuracy nor IoU. */
export function isRight(sample: Pick<ReadAnswer, "acc" | "giou" | "unscored" | "rating">): boolean | undefined {
  if (sample.unscored !== undefined) return undefined;
  if (known(sample.rating)) return sample.rating >= SOUND;
  if (known(sample.acc)) return sample.acc >= 0.5;
  return known(sample.giou) ? sample.giou >= 0.5 : undefined;
}

/** One training prompt and the groups sampled for it at some steps. */
export interface Story {
  readonly prompt: RolloutLine;
  readonly moments: readonly { readonly step: number; readonly members: readonly RolloutLine[] }[];
}

/** The rule, as the page states it. */
export const STORY_RULE = `The first ${EACH} prompts of each data set in the first step, at the first, the middle and the last step that has them.`;

/** Picks training prompts by `STORY_RULE` from the rollouts of the first, the middle and the last step. */
export function pickStories(steps: readonly (readonly RolloutLine[])[]): Story[] {
  const first = steps[0] ?? [];
  const ids = [...new Map(first.map((line) => [line.id, line.dataset]))];
  const chosen = ids.filter(([, dataset], i) => ids.slice(0, i).filter(([, other]) => other === dataset).length < EACH);
  return chosen.map(([id]) => ({
    prompt: first.find((line) => line.id === id)!,
    moments: steps.flatMap((lines) => {
      const members = lines.filter((line) => line.id === id);
      // A prompt drawn twice in a step has two groups; one of them is enough.
      const group = members.filter((line) => line.group === members[0]!.group);
      return group.length > 0 ? [{ step: group[0]!.step, members: group }] : [];
    }),
  }));
}
