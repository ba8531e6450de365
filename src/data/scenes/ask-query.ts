/** @file Questions about one described object: its colour, its shape, its place. */

import type { Random } from "../../util/random.ts";
import { byKind, type Description, matching, nameOf, uniqueBy } from "./describe.ts";
import { type Asker, besideAsked, type Dataset, one, type Question, yesNo } from "./question.ts";
import { edgeOf, OPPOSITE, RELATIONS, type Relation, relationBetween } from "./relations.ts";
import { COLORS, type Scene, type SceneObject } from "./world.ts";

const byShape = ({ shape }: SceneObject): Description => ({ shape });
const byColor = ({ color }: SceneObject): Description => ({ color });

/** "What color is the cross?" */
export function askColor(scene: Scene, random: Random): Question | undefined {
  return askUnique(scene, random, byShape, "color");
}

/** "What shape is the green object?" */
export function askShape(scene: Scene, random: Random): Question | undefined {
  return askUnique(scene, random, byColor, "shape");
}

function askUnique(
  scene: Scene,
  random: Random,
  describe: (object: SceneObject) => Description,
  attribute: "color" | "shape",
): Question | undefined {
  const named = uniqueBy(scene, describe);
  if (named.length === 0) return undefined;
  const object = random.pick(named);
  const name = nameOf(describe(object));
  return {
    dataset: "gqa",
    text: `What ${attribute} is the ${name}?`,
    answer: object[attribute],
    look: [one(name, object)],
    finding: attributeSentence(name, object, attribute),
  };
}

/** "What color is the circle left of the blue square?" */
export const askRelatedColor: Asker = (scene, random) => askRelated(scene, random, byShape, "color");

/** "What shape is the green object left of the blue square?" */
export const askRelatedShape: Asker = (scene, random) => askRelated(scene, random, byColor, "shape");

function askRelated(
  scene: Scene,
  random: Random,
  describe: (object: SceneObject) => Description,
  attribute: "color" | "shape",
): Question | undefined {
  const found = relatedObject(scene, random, describe);
  if (!found) return undefined;
  const { object, name, relation, anchor } = found;
  const full = `${name} ${relation} the ${nameOf(anchor)}`;
  return {
    dataset: "gqa",
    text: `What ${attribute} is the ${full}?`,
    answer: object[attribute],
    look: [one(name, object), one(nameOf(anchor), anchor)],
    finding: attributeSentence(full, object, attribute),
  };
}

/** "Is the cross red?" When not, the colour asked is another object's. */
export function askIsColor(scene: Scene, random: Random, affirm: boolean): Question | undefined {
  const named = uniqueBy(scene, byShape);
  if (named.length === 0) return undefined;
  const object = random.pick(named);
  const others = scene.objects.map(({ color }) => color).filter((color) => color !== object.color);
  const wrong = others.length > 0 ? others : COLORS.filter((color) => color !== object.color);
  const asked = affirm ? object.color : random.pick(wrong);
  return {
    dataset: "mme_color",
    text: `Is the ${object.shape} ${asked}?`,
    answer: yesNo(affirm),
    look: [one(object.shape, object)],
    finding: besideAsked(attributeSentence(object.shape, object, "color"), asked),
  };
}

/** "Detect the red circle." */
export function askBox(scene: Scene, random: Random): Question | undefined {
  const named = uniqueBy(scene, byKind);
  if (named.length === 0) return undefined;
  const object = random.pick(named);
  return boxQuestion("ovd_position", object, nameOf(object), nameOf(object));
}

/** "Detect the circle left of the blue square." */
export function askRelatedBox(scene: Scene, random: Random): Question | undefined {
  return relatedBox("ovd_position", relatedObject(scene, random, byShape));
}

/**
 * "Detect the red circle left of the blue square.": an expression as RefCOCO's, in which neither the words nor the relation alone
 * are enough. The object is named by colour, shape or both.
 */
export function askComposed(scene: Scene, random: Random): Question | undefined {
  return relatedBox("refcoco", relatedObject(scene, random, random.pick([byShape, byColor, byKind])));
}

function relatedBox(dataset: Dataset, found: Related | undefined): Question | undefined {
  if (!found) return undefined;
  const { object, name, relation, anchor } = found;
  return boxQuestion(dataset, object, name, `${name} ${relation} the ${nameOf(anchor)}`);
}

function boxQuestion(dataset: Dataset, object: SceneObject, label: string, description: string): Question {
  return {
    dataset,
    text: `Detect the ${description}.`,
    phrase: `the ${description}`,
    answer: object.box,
    look: [one(label, object)],
    finding: `the ${label} is found`,
  };
}

interface Related {
  readonly object: SceneObject;
  readonly name: string;
  readonly relation: Relation;
  readonly anchor: SceneObject;
}

/**
 * An object that only its relation to a named anchor tells from others of its description: exactly one of at least two
 * stands so to the anchor, and all the others clearly stand the opposite way.
 */
function relatedObject(
  scene: Scene,
  random: Random,
  describe: (object: SceneObject) => Description,
): Related | undefined {
  const found: Related[] = [];
  for (const anchor of uniqueBy(scene, byKind)) {
    for (const object of scene.objects) {
      const rivals = matching(scene, describe(object)).filter((other) => other !== object && other !== anchor);
      if (object === anchor || rivals.length === 0) continue;
      for (const relation of RELATIONS) {
        const edge = edgeOf(relation);
        const unambiguous =
          relationBetween(object, anchor, edge) === relation &&
          rivals.every((rival) => relationBetween(rival, anchor, edge) === OPPOSITE[relation]);
        if (unambiguous) found.push({ object, name: nameOf(describe(object)), relation, anchor });
      }
    }
  }
  return found.length > 0 ? random.pick(found) : undefined;
}

function attributeSentence(name: string, object: SceneObject, attribute: "color" | "shape"): string {
  return attribute === "color" ? `the ${name} is ${object.color}` : `the ${name} is a ${object.shape}`;
}
