/**
 * @file For tests: reads a question in words, and nothing else, and answers it from the scene. Written apart from the
 * code that asks, so that the two can disagree.
 */

import type { Color, Scene, SceneObject, Shape } from "./world.ts";

/** Fewest pixels by which every edge must differ for a relation to be clear. */
const CLEAR = 6;

/** The true answer: `yes`, `no`, a number, a word, or an object's box as `[x1, y1, x2, y2]` in image pixels. */
export function answerOf(scene: Scene, question: string): string {
  const text = question.replace(/[?.]$/, "").replace(/ in the image$/, "");
  const read = (pattern: RegExp) => pattern.exec(text)?.slice(1) as string[] | undefined;

  let words = read(/^Is the (.+) (left of|right of|above|below) the (.+)$/);
  if (words) return stands(only(scene, words[0]!), words[1]!, only(scene, words[2]!)) ? "yes" : "no";
  words = read(/^How many more (.+) than (.+) are there$/);
  if (words) return String(countOf(scene, words[0]!) - countOf(scene, words[1]!));
  words = read(/^How many (.+) are there$/);
  if (words) return String(countOf(scene, words[0]!));
  words = read(/^What is the number of (.+) plus the number of (.+)$/);
  if (words) return String(countOf(scene, words[0]!) + countOf(scene, words[1]!));
  words = read(/^Is there an? (.+)$/);
  if (words) return countOf(scene, words[0]!) > 0 ? "yes" : "no";
  words = read(/^Are there (\d) (.+)$/);
  if (words) return countOf(scene, words[1]!) === Number(words[0]) ? "yes" : "no";
  words = read(/^What (color|shape) is the (.+)$/);
  if (words) return only(scene, words[1]!)[words[0] as "color" | "shape"];
  words = read(/^Is the (\w+) (\w+)$/);
  if (words) return only(scene, words[0]!).color === words[1] ? "yes" : "no";
  words = read(/^Detect the (.+)$/);
  if (words) {
    const { x1, y1, x2, y2 } = only(scene, words[0]!).box;
    return `[${x1}, ${y1}, ${x2}, ${y2}]`;
  }
  throw new Error(`Not understood: ${question}`);
}

/** How many objects fit the name. */
export function countOf(scene: Scene, name: string): number {
  return named(scene, name).length;
}

/** Throws where the name fits none or several: the question would be ambiguous. */
function only(scene: Scene, name: string): SceneObject {
  const found = named(scene, name);
  if (found.length !== 1) throw new Error(`${found.length} objects are "${name}"`);
  return found[0]!;
}

/** e.g. `circle`, `green object`, `red circles`, `circle left of the blue square`. */
function named(scene: Scene, name: string): SceneObject[] {
  const related = /^(.+) (left of|right of|above|below) the (.+)$/.exec(name);
  if (related) {
    const anchor = only(scene, related[3]!);
    return named(scene, related[1]!).filter((object) => object !== anchor && stands(object, related[2]!, anchor));
  }
  const words = name.split(" ");
  const noun = words
    .at(-1)!
    .replace(/^crosses$/, "cross")
    .replace(/([^s])s$/, "$1");
  const color = words.length > 1 ? words[0] : undefined;
  return scene.objects.filter(
    (object) =>
      (noun === "object" || object.shape === (noun as Shape)) && (!color || object.color === (color as Color)),
  );
}

/** Throws where the edges leave it in doubt. */
function stands(a: SceneObject, relation: string, b: SceneObject): boolean {
  const horizontal = relation === "left of" || relation === "right of";
  const edges = horizontal ? (["x1", "x2"] as const) : (["y1", "y2"] as const);
  const differences = edges.map((edge) => a.box[edge] - b.box[edge]);
  const before = differences.every((difference) => difference <= -CLEAR);
  if (!before && !differences.every((difference) => difference >= CLEAR)) throw new Error(`Unclear: ${relation}`);
  return before === (relation === "left of" || relation === "above");
}
