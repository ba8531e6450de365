/**
 * @file Left, right, above, below: when one object clearly stands so to another. Left edges, right edges and centres
 * must agree by a margin (likewise top and bottom), so that no reading of the boxes gives another answer.
 */

import type { SceneObject } from "./world.ts";

export const RELATIONS = ["left of", "right of", "above", "below"] as const;
export type Relation = (typeof RELATIONS)[number];

/** The coordinate that a relation compares, written first for a box in words. */
export type Edge = "x1" | "y1";

/** Least difference of the compared edges in image pixels. */
const MARGIN = 10;

export const OPPOSITE: Record<Relation, Relation> = {
  "left of": "right of",
  "right of": "left of",
  above: "below",
  below: "above",
};

export function edgeOf(relation: Relation): Edge {
  return relation === "left of" || relation === "right of" ? "x1" : "y1";
}

/** The relation of `a` to `b` along one axis, or undefined where it is too close to call. */
export function relationBetween(a: SceneObject, b: SceneObject, edge: Edge): Relation | undefined {
  const [low, high] = edge === "x1" ? (["x1", "x2"] as const) : (["y1", "y2"] as const);
  // The centres' difference is the mean of the edges', so it agrees whenever both edges do.
  const differences = [a.box[low] - b.box[low], a.box[high] - b.box[high]];
  if (differences.every((difference) => difference <= -MARGIN)) return edge === "x1" ? "left of" : "above";
  if (differences.every((difference) => difference >= MARGIN)) return edge === "x1" ? "right of" : "below";
  return undefined;
}

/** Distance of the centres along one axis, in image pixels. */
export function offsetAlong(a: SceneObject, b: SceneObject, edge: Edge): number {
  const [low, high] = edge === "x1" ? (["x1", "x2"] as const) : (["y1", "y2"] as const);
  return Math.abs(a.box[low] + a.box[high] - b.box[low] - b.box[high]) / 2;
}
