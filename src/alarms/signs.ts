/** @file Counts in the groups of a step what alarms look at. */
import { box, commonArea, iou } from "../boxes.ts";
import { exactScore, isRight } from "../judge/exact.ts";
import { requestOf } from "../judge/judge.ts";
import { teaches } from "../objective/advantage.ts";
import { type Chain, type Group, isScored, type Rollout, type Sample } from "../records.ts";
import type { Signs } from "../run/lines.ts";
import { mean } from "../util/arrays.ts";
import { answersOtherwise } from "./rethink-value.ts";

/** Boxes that overlap so much are the same box, moved by a pixel or two. */
const SAME = 0.9;
/** A box that covers this share of the image covers it all. */
const WHOLE = 0.9;

/** The signs of one step. */
export function signsOf(groups: readonly Group[]): Signs {
  const chains = groups.flatMap(({ sample, rollouts }) => rollouts.map((rollout) => ({ ...rollout, sample })));
  const count = <T>(items: readonly T[], is: (item: T) => boolean) => items.filter(is).length;
  const alike = groups.filter(({ rollouts }) => !teaches(rollouts.map(({ advantage }) => advantage)));
  const every = (right: boolean) => (group: Group) => group.rollouts.every((each) => answeredRight(each) === right);
  const boxed = chains.filter(({ chain }) => chain.boxes.length > 0);
  const rethought = chains.map(({ sample, chain }) => answersOtherwise(sample, chain)).filter((is) => is !== undefined);
  const judged = chains.map(bothVerdicts).filter((verdicts) => verdicts !== undefined);
  return {
    chains: chains.length,
    groups: {
      all: groups.length,
      alike: alike.length,
      alikeRight: count(alike, every(true)),
      alikeWrong: count(alike, every(false)),
    },
    boxed: {
      all: boxed.length,
      repeated: count(boxed, ({ chain }) => repeatsABox(chain)),
      wholeImage: count(boxed, ({ sample, chain }) => boxesTheImage(sample, chain)),
    },
    rethink: { all: rethought.length, otherwise: count(rethought, (otherwise) => otherwise) },
    judged: {
      all: judged.length,
      judge: count(judged, ({ judge }) => judge),
      rule: count(judged, ({ rule }) => rule),
      both: count(judged, ({ judge, rule }) => judge && rule),
      refuted: count(judged, ({ refuted }) => refuted),
      pardoned: count(judged, ({ judge, refuted }) => judge && refuted),
    },
    correlations: correlations(groups),
  };
}

/** Whether the judge called an answer right; undefined where it could not tell. */
function answeredRight({ scores }: Pick<Rollout, "scores">): boolean | undefined {
  const { answer } = scores.terms;
  return answer !== undefined && isScored(answer) ? answer > 0 : undefined;
}

/** Does a chain name a box twice, or nearly the same box, on one side of its rethink? */
function repeatsABox({ boxes }: Chain): boolean {
  return boxes.some(
    (one, i) =>
      one.duplicate ||
      boxes.slice(0, i).some((other) => other.beforeRethink === one.beforeRethink && iou(other.box, one.box) >= SAME),
  );
}

/** Has a chain a box over the whole image, and not because the thing to find is as large? */
function boxesTheImage({ width, height, boxes: truth }: Sample, { boxes }: Chain): boolean {
  const image = box("image", 0, 0, width, height);
  return boxes.some(
    ({ box: said }) =>
      commonArea(said, image) >= WHOLE * width * height && truth.every((each) => iou(each, said) < 0.5),
  );
}

/** An answer by the judge and by rule; undefined where either has no verdict, and for detection, which no rule judges as text. */
function bothVerdicts(rollout: Rollout & { readonly sample: Sample }) {
  const { sample, chain } = rollout;
  const judge = answeredRight(rollout);
  if (judge === undefined || chain.answer === undefined || sample.task === "detect") return undefined;
  const request = requestOf(sample, chain.answer);
  const rule = exactScore(request);
  return isScored(rule) ? { judge, rule: rule > 0, refuted: isRight(request) === false } : undefined;
}

/** The correlation of each two terms, by what members of a group differ from its mean. */
function correlations(groups: readonly Group[]): Signs["correlations"] {
  const names = Object.keys(groups[0]?.rollouts[0]?.scores.terms ?? {});
  const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
  return Object.fromEntries(
    pairs.map(([a, b]) => {
      let [aa, ab, bb] = [0, 0, 0];
      for (const { rollouts } of groups) {
        const scored = rollouts.flatMap(({ scores: { terms } }) => {
          const [x, y] = [terms[a]!, terms[b]!];
          return isScored(x) && isScored(y) ? [[x, y] as const] : [];
        });
        if (scored.length < 2) continue;
        const [centreA, centreB] = [mean(scored.map(([x]) => x)), mean(scored.map(([, y]) => y))];
        for (const [x, y] of scored) {
          aa += (x - centreA) ** 2;
          ab += (x - centreA) * (y - centreB);
          bb += (y - centreB) ** 2;
        }
      }
      // Rounding leaves a spread of 1e-30 where a term is the same for all.
      return [`${a}, ${b}`, aa > 1e-12 && bb > 1e-12 ? ab / Math.sqrt(aa * bb) : null];
    }),
  );
}
