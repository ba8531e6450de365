/**
 * @file How much of each pixel a shape covers. A shape fills its square box from edge to edge, so the box is tight by
 * construction; objects sit on whole pixels, so one mask per shape and side serves every object.
 */

import type { Shape } from "./world.ts";

/** Samples along each side of a pixel. */
const SAMPLES = 6;

const masks = new Map<string, Float32Array>();

/** Coverage in [0, 1] of each pixel of a `side` x `side` box by `shape`, row-major. Shared: do not write to it. */
export function coverage(shape: Shape, side: number): Float32Array {
  const key = `${shape}/${side}`;
  let mask = masks.get(key);
  if (!mask) {
    mask = rasterise(INSIDE[shape], side);
    masks.set(key, mask);
  }
  return mask;
}

/** Whether the point (x, y) of the unit square, y down, belongs to the shape. */
type Inside = (x: number, y: number) => boolean;

/** Half the width of a cross's arms, as a share of its side. */
const ARM = 1 / 6;

const INSIDE: Record<Shape, Inside> = {
  circle: (x, y) => Math.hypot(x - 0.5, y - 0.5) <= 0.5,
  square: () => true,
  triangle: (x, y) => Math.abs(x - 0.5) <= y / 2,
  cross: (x, y) => Math.abs(x - 0.5) <= ARM || Math.abs(y - 0.5) <= ARM,
};

function rasterise(inside: Inside, side: number): Float32Array {
  const mask = new Float32Array(side * side);
  for (let i = 0; i < mask.length; i++) {
    let hits = 0;
    for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
      const x = (i % side) + ((sample % SAMPLES) + 0.5) / SAMPLES;
      const y = Math.floor(i / side) + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
      if (inside(x / side, y / side)) hits++;
    }
    mask[i] = hits / (SAMPLES * SAMPLES);
  }
  return mask;
}
