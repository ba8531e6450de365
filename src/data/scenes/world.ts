/**
 * @file The scenes world: flat shapes scattered over a plain ground, every object's box known. Look-alikes (same colour
 * or same shape as what is asked about) are frequent, so that no question can be answered from one attribute alone.
 */

import type { Box } from "../../records.ts";
import type { Random } from "../../util/random.ts";

export const SHAPES = ["circle", "square", "triangle", "cross"] as const;
export const COLORS = ["red", "green", "blue", "yellow", "purple", "orange"] as const;
export type Shape = (typeof SHAPES)[number];
export type Color = (typeof COLORS)[number];

/** What an object is, without its place. */
export interface Kind {
  readonly color: Color;
  readonly shape: Shape;
}

/** A kind at a place. The box is tight: x1, y1 the first pixels covered, x2, y2 one past the last; integers. */
export interface SceneObject extends Kind {
  readonly box: Box<"image">;
}

/** An image before it is drawn. `seed` decides the ground and the shades, so that a scene renders to one image only. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly objects: readonly SceneObject[];
}

/** Pixels between any two boxes, at least, and between a box and the image's edge. */
const GAP = 3;

/** Image sizes [width, height] in pixels, the common ones repeated. */
const SIZES = [
  [200, 160],
  [200, 160],
  [200, 160],
  [160, 200],
  [160, 200],
  [240, 160],
  [240, 160],
  [180, 160],
  [180, 160],
  [200, 200],
] as const;

export function sameKind(a: Kind, b: Kind): boolean {
  return a.color === b.color && a.shape === b.shape;
}

export function randomKind(random: Random): Kind {
  return { color: random.pick(COLORS), shape: random.pick(SHAPES) };
}

/** A kind that shares exactly one attribute with `kind`. */
export function lookAlike(random: Random, kind: Kind): Kind {
  return random.chance(0.5)
    ? { color: kind.color, shape: random.pick(SHAPES.filter((shape) => shape !== kind.shape)) }
    : { color: random.pick(COLORS.filter((color) => color !== kind.color)), shape: kind.shape };
}

/** `count` kinds that are none of `subjects`: look-alikes of them, one in five anything else. */
function distractors(random: Random, subjects: readonly Kind[], count: number): Kind[] {
  const out: Kind[] = [];
  while (out.length < count) {
    const kind = random.chance(0.8) ? lookAlike(random, random.pick(subjects)) : randomKind(random);
    if (!subjects.some((subject) => sameKind(subject, kind))) out.push(kind);
  }
  return out;
}

/** Two different kinds, three times in four look-alikes of each other. */
export function pairOfKinds(random: Random): [Kind, Kind] {
  const first = randomKind(random);
  for (;;) {
    const second = random.chance(0.75) ? lookAlike(random, first) : randomKind(random);
    if (!sameKind(first, second)) return [first, second];
  }
}

/** A scene for relations and queries: two kinds that occur once each among `total - 2` distractors. */
export function mixedScene(random: Random, total: number = random.int(5, 9)): Scene {
  const pair = pairOfKinds(random);
  return arrange(random, [...pair, ...distractors(random, pair, total - 2)]);
}

/** How many there are to count, each equally often: small counts are common, as in TallyQA. */
export const COUNTS = [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9] as const;

/** A scene for counting: `count` objects of `kind`, and between 2 and 8 others, mostly its look-alikes; 3 to 12 in all. */
export function countingScene(random: Random, kind: Kind, count: number): Scene {
  const others = random.int(Math.max(2, 3 - count), Math.max(2, Math.min(8, 12 - count)));
  return arrange(random, [...Array<Kind>(count).fill(kind), ...distractors(random, [kind], others)]);
}

/** A scene for sums and differences: `counts` objects of each of two kinds and 2 to 4 distractors. */
export function sumScene(random: Random, kinds: readonly [Kind, Kind], counts: readonly [number, number]): Scene {
  const counted = kinds.flatMap((kind, i) => Array<Kind>(counts[i]!).fill(kind));
  const others = random.int(Math.max(2, 3 - counted.length), 4);
  return arrange(random, [...counted, ...distractors(random, kinds, others)]);
}

/** A scene with little in it, to learn on first: `total` objects, some of a kind, some look-alikes, some neither. */
export function sparseScene(random: Random, total: number): Scene {
  const first = randomKind(random);
  const others = Array.from({ length: total - 1 }, () =>
    random.pick([() => first, () => lookAlike(random, first), () => randomKind(random)])(),
  );
  return arrange(random, [first, ...others]);
}

/**
 * A scene for pretraining, of all sorts, so that every family of questions finds good ones. Large counts are as frequent
 * as small ones: it is the long lists that are hard to learn.
 */
export function pretrainScene(random: Random): Scene {
  const sort = random.float();
  if (sort < 0.32) return mixedScene(random);
  if (sort < 0.38) return mixedScene(random, random.int(3, 4));
  if (sort < 0.88) return countingScene(random, randomKind(random), random.int(0, 9));
  return sumScene(random, pairOfKinds(random), [random.int(0, 4), random.int(0, 4)]);
}

/**
 * Scatters the kinds over an image without overlap, in random order, each with a side of 27 to 36 pixels: so far apart
 * that no merged patch of 28 frame pixels holds the centres of two.
 */
function arrange(random: Random, kinds: readonly Kind[]): Scene {
  const [width, height] = random.pick(SIZES);
  const largest = kinds.length > 9 ? 30 : 36;
  for (let attempt = 0; attempt < 100; attempt++) {
    const objects: SceneObject[] = [];
    for (const kind of random.shuffle(kinds)) {
      const box = freeBox(random, width, height, random.int(27, largest), objects);
      if (box) objects.push({ ...kind, box });
    }
    if (objects.length === kinds.length) return { width, height, seed: random.uint32(), objects };
  }
  throw new Error(`arrange: no room for ${kinds.length} objects in ${width}x${height}`);
}

function freeBox(
  random: Random,
  width: number,
  height: number,
  side: number,
  taken: readonly SceneObject[],
): Box<"image"> | undefined {
  for (let attempt = 0; attempt < 200; attempt++) {
    const x1 = random.int(GAP, width - side - GAP);
    const y1 = random.int(GAP, height - side - GAP);
    const [x2, y2] = [x1 + side, y1 + side];
    const clear = taken.every(
      ({ box }) => x2 + GAP <= box.x1 || box.x2 + GAP <= x1 || y2 + GAP <= box.y1 || box.y2 + GAP <= y1,
    );
    if (clear) return { space: "image", x1, y1, x2, y2 };
  }
  return undefined;
}
