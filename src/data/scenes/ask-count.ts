/** @file Questions that counting answers: how many, is there any, are there so many, sums and differences. */

import type { Random } from "../../util/random.ts";
import { byKind, countSentence, matching, nameOf, pluralOf, withArticle } from "./describe.ts";
import { all, besideAsked, type Question, yesNo } from "./question.ts";
import { COLORS, type Kind, lookAlike, type Scene, SHAPES, sameKind } from "./world.ts";

/** Largest count that a sum or difference takes in. */
const MOST_IN_SUM = 4;

/** Numbers that "are there … in the image" is asked about. */
const SEVERAL: readonly number[] = [2, 3, 4, 5];

/** "How many red circles are there?" about that kind. */
export function countOf(scene: Scene, kind: Kind): Question {
  const objects = matching(scene, kind);
  return {
    dataset: "tallyqa",
    text: `How many ${pluralOf(kind)} are there?`,
    answer: String(objects.length),
    look: [all(nameOf(kind), objects)],
    finding: countSentence(kind, objects.length),
  };
}

/** "How many red circles are there?" about a kind of the scene's own. */
export function askCount(scene: Scene, random: Random): Question {
  return countOf(scene, kindToCount(scene, random));
}

/** "Is there a red circle in the image?" When not, its colour and its shape are there, if possible, on other objects. */
export function askExistence(scene: Scene, random: Random, affirm: boolean): Question {
  const kind = affirm ? byKind(random.pick(scene.objects)) : random.pick(absentKinds(scene));
  const objects = matching(scene, kind);
  return {
    dataset: "mme_existence",
    text: `Is there ${withArticle(nameOf(kind))} in the image?`,
    answer: yesNo(objects.length > 0),
    look: [all(nameOf(kind), objects)],
    finding: countSentence(kind, objects.length),
  };
}

/** "Are there 3 red circles in the image?" There are 2 to 5, and so is the number asked; when wrong, it is off by one or two. */
export function askNumber(scene: Scene, random: Random, affirm: boolean): Question | undefined {
  const several = presentKinds(scene).filter((kind) => SEVERAL.includes(matching(scene, kind).length));
  if (several.length === 0) return undefined;
  const kind = random.pick(several);
  const objects = matching(scene, kind);
  const wrong = SEVERAL.filter((number) => number !== objects.length && Math.abs(number - objects.length) <= 2);
  const asked = affirm ? objects.length : random.pick(wrong);
  return {
    dataset: "mme_count",
    text: `Are there ${asked} ${pluralOf(kind)} in the image?`,
    answer: yesNo(affirm),
    look: [all(nameOf(kind), objects)],
    finding: besideAsked(countSentence(kind, objects.length), String(asked)),
  };
}

/** "How many more red circles than blue squares are there?" or "What is the number of … plus the number of …?" */
export function askSum(scene: Scene, random: Random): Question | undefined {
  const first = kindToCount(scene, random);
  const second = random.chance(0.8)
    ? random.pick(presentKinds(scene))
    : lookAlike(random, random.pick(presentKinds(scene)));
  return sameKind(first, second) ? undefined : sumOf(scene, first, second, random.chance(0.5));
}

/** The sum question about these two kinds, or undefined where it would leave 0-4 objects a kind or go below zero. */
export function sumOf(scene: Scene, first: Kind, second: Kind, plus: boolean): Question | undefined {
  const [mine, other] = [matching(scene, first), matching(scene, second)];
  const [a, b] = [mine.length, other.length];
  if (a > MOST_IN_SUM || b > MOST_IN_SUM || (!plus && a < b)) return undefined;
  const result = plus ? a + b : a - b;
  return {
    dataset: "mathvista_mini",
    text: plus
      ? `What is the number of ${pluralOf(first)} plus the number of ${pluralOf(second)}?`
      : `How many more ${pluralOf(first)} than ${pluralOf(second)} are there?`,
    answer: String(result),
    look: [all(nameOf(first), mine), all(nameOf(second), other)],
    finding: `${a} ${plus ? "plus" : "minus"} ${b} is ${result}`,
  };
}

/** A kind worth counting: mostly the one there is most of, else any that is there, at times one that is not. */
export function kindToCount(scene: Scene, random: Random): Kind {
  const lot = random.float();
  if (lot < 0.1) return random.pick(absentKinds(scene));
  return lot < 0.3 ? random.pick(presentKinds(scene)) : commonestKind(scene);
}

/** The kind that occurs most often; the first drawn among equals. */
export function commonestKind(scene: Scene): Kind {
  const count = (kind: Kind) => matching(scene, kind).length;
  return presentKinds(scene).reduce((best, kind) => (count(kind) > count(best) ? kind : best));
}

function presentKinds(scene: Scene): Kind[] {
  const kinds = scene.objects.map(byKind);
  return kinds.filter((kind, i) => kinds.findIndex((earlier) => sameKind(earlier, kind)) === i);
}

/** Kinds that are not there; only those whose colour and whose shape each are, if the scene has any. */
export function absentKinds(scene: Scene): Kind[] {
  const absent = COLORS.flatMap((color) => SHAPES.map((shape) => ({ color, shape }))).filter(
    (kind) => matching(scene, kind).length === 0,
  );
  const tempting = absent.filter(
    ({ color, shape }) => matching(scene, { color }).length > 0 && matching(scene, { shape }).length > 0,
  );
  return tempting.length > 0 ? tempting : absent;
}
