/** @file Questions about where one object stands to another: yes/no. */

import type { Random } from "../../util/random.ts";
import { byKind, nameOf, uniqueBy } from "./describe.ts";
import { besideAsked, type Dataset, one, type Question, yesNo } from "./question.ts";
import { type Edge, OPPOSITE, offsetAlong, type Relation, relationBetween } from "./relations.ts";
import type { Scene, SceneObject } from "./world.ts";

/** Share of the questions that must be about a small offset, and the centre offsets, in image pixels, that count as small. */
const NEAR_SHARE = 0.6;
const NEAR = { from: 10, to: 50 };

interface Pair {
  readonly subject: SceneObject;
  readonly object: SceneObject;
  readonly edge: Edge;
  readonly relation: Relation;
}

/** "Is the red circle left of the blue square?" */
export function askRelation(scene: Scene, random: Random, affirm: boolean): Question | undefined {
  return relationQuestion("vsr", "", scene, random, affirm);
}

/** "Is the red circle left of the blue square in the image?" */
export function askPosition(scene: Scene, random: Random, affirm: boolean): Question | undefined {
  return relationQuestion("mme_position", " in the image", scene, random, affirm);
}

function relationQuestion(
  dataset: Dataset,
  ending: string,
  scene: Scene,
  random: Random,
  affirm: boolean,
): Question | undefined {
  const pairs = clearPairs(scene);
  const near = pairs.filter(({ subject, object, edge }) => {
    const offset = offsetAlong(subject, object, edge);
    return offset >= NEAR.from && offset <= NEAR.to;
  });
  const pool = near.length > 0 && random.chance(NEAR_SHARE) ? near : pairs;
  if (pool.length === 0) return undefined;
  const { subject, object, edge, relation } = random.pick(pool);
  const [first, second] = [nameOf(subject), nameOf(object)];
  const asked = affirm ? relation : OPPOSITE[relation];
  return {
    dataset,
    text: `Is the ${first} ${asked} the ${second}${ending}?`,
    answer: yesNo(affirm),
    look: [one(first, subject), one(second, object)],
    finding: besideAsked(relation, asked),
    compared: edge,
  };
}

/** Ordered pairs of uniquely described objects whose relation is clear, once for each axis on which it is. */
function clearPairs(scene: Scene): Pair[] {
  const named = uniqueBy(scene, byKind);
  return named.flatMap((subject) =>
    named.flatMap((object) =>
      (["x1", "y1"] as const).flatMap((edge) => {
        const relation = subject === object ? undefined : relationBetween(subject, object, edge);
        return relation ? [{ subject, object, edge, relation }] : [];
      }),
    ),
  );
}
