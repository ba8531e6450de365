/** @file A question about a scene with its gold answer, what one must look at, and what one finds there. */

import type { Box } from "../../records.ts";
import type { Random } from "../../util/random.ts";
import type { Edge } from "./relations.ts";
import type { Scene, SceneObject } from "./world.ts";

export const DATASETS = [
  "vsr",
  "tallyqa",
  "gqa",
  "mme_existence",
  "mme_count",
  "mme_position",
  "mme_color",
  "mathvista_mini",
  "ovd_position",
  "refcoco",
] as const;
export type Dataset = (typeof DATASETS)[number];

/** Objects that are pointed at together: one named object, or all of a kind, counted. */
export interface Group {
  /** What stands before each box, e.g. `red circle`. */
  readonly label: string;
  readonly objects: readonly SceneObject[];
  /** The objects are counted 1, 2, 3, until there is none any more. */
  readonly counted: boolean;
}

/**
 * @example { dataset: "vsr", text: "Is the red circle left of the blue square?", answer: "yes",
 *            look: [{ label: "red circle", … }, { label: "blue square", … }],
 *            finding: "left of; the question: left of", compared: "x1" }
 */
export interface Question {
  readonly dataset: Dataset;
  readonly text: string;
  /** Of a detection question, what it asks for: `the circle left of the blue square`. */
  readonly phrase?: string;
  /** A word, a number, or, for detection, the box asked for. */
  readonly answer: string | Box<"image">;
  /** What the gold boxes are, in the order in which a chain names them. */
  readonly look: readonly Group[];
  /** A true sentence that decides the answer, without capital or full stop. */
  readonly finding: string;
  /** The coordinate of the two objects whose comparison gives the finding. */
  readonly compared?: Edge;
}

/**
 * Finds a question of one form in a scene, or undefined where the scene has none. `affirm` is the answer that a yes/no
 * question should have, so that callers balance the two; other forms ignore it.
 */
export type Asker = (scene: Scene, random: Random, affirm: boolean) => Question | undefined;

/** The boxes that ground the answer. */
export function goldBoxes(question: Question): Box<"image">[] {
  return question.look.flatMap((group) => group.objects.map((object) => object.box));
}

/** One object under its name. */
export function one(label: string, object: SceneObject): Group {
  return { label, objects: [object], counted: false };
}

/** All objects of a kind, counted. */
export function all(label: string, objects: readonly SceneObject[]): Group {
  return { label, objects, counted: true };
}

/**
 * What was found with what the question says beside it, so that yes or no is a matter of two words close by: with the
 * question far behind, a small model finds the fact and then guesses.
 */
export function besideAsked(found: string, asked: string): string {
  return `${found}; the question: ${asked}`;
}

export const yesNo = (yes: boolean): "yes" | "no" => (yes ? "yes" : "no");
