/** @file Words for kinds, and finding the objects that words describe. The vocabulary is small and closed. */

import type { Color, Kind, Scene, SceneObject, Shape } from "./world.ts";

/** A description by colour, by shape, or by both; what is left out may be anything. */
export interface Description {
  readonly color?: Color;
  readonly shape?: Shape;
}

/** e.g. `red circle`, `circle`, `red object`. */
export function nameOf({ color, shape }: Description): string {
  return [color, shape ?? "object"].filter((word) => word !== undefined).join(" ");
}

/** e.g. `red circles`, `crosses`. */
export function pluralOf(kind: Kind): string {
  const name = nameOf(kind);
  return kind.shape === "cross" ? `${name}es` : `${name}s`;
}

/** e.g. `there is 1 red circle`, `there are 0 red circles`. */
export function countSentence(kind: Kind, count: number): string {
  return count === 1 ? `there is 1 ${nameOf(kind)}` : `there are ${count} ${pluralOf(kind)}`;
}

/** e.g. `a red circle`, `an orange cross`. */
export function withArticle(name: string): string {
  return `${name.startsWith("orange") ? "an" : "a"} ${name}`;
}

/** The objects of the scene that fit the description. */
export function matching(scene: Scene, { color, shape }: Description): SceneObject[] {
  return scene.objects.filter(
    (object) => (color === undefined || object.color === color) && (shape === undefined || object.shape === shape),
  );
}

/** The objects that no other object of the scene shares its description with. */
export function uniqueBy(scene: Scene, describe: (object: SceneObject) => Description): SceneObject[] {
  return scene.objects.filter((object) => matching(scene, describe(object)).length === 1);
}

/** Colour and shape: the full description of an object. */
export const byKind = ({ color, shape }: SceneObject): Kind => ({ color, shape });
