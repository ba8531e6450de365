/** @file Cuts pixels into the flattened patches that a vision tower's first layer takes as rows. */

import type { RgbImage } from "./resize.ts";

/** A part of an image, in pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PatchLayout {
  /** Side of a patch in pixels. */
  readonly size: number;
  /** Patches go square by square of merge * merge, so that those merged into one token are neighbours. */
  readonly merge: number;
  /** Times each patch is repeated, for towers that expect frames of a film. */
  readonly frames: number;
  /** The normalised value of every byte, a table for each channel. */
  readonly values: readonly Float32Array[];
}

/** For each channel and byte its normalised value: byte / 255 rounded to float32, then mean and deviation in float32. */
export function normalisation(mean: readonly number[], std: readonly number[]): readonly Float32Array[] {
  return [0, 1, 2].map((channel) => {
    const [center, spread] = [Math.fround(mean[channel]!), Math.fround(std[channel]!)];
    return Float32Array.from(
      { length: 256 },
      (_, byte) => Math.fround(Math.fround(byte * (1 / 255)) - center) / spread,
    );
  });
}

/**
 * Patches of an area, [patches, 3 * frames * size * size]. Rows go (y / merge, x / merge, merge, merge), values go
 * (channel, frame, y, x).
 */
export function flatten(
  { width, rgb }: RgbImage,
  area: Area,
  { size, merge, frames, values }: PatchLayout,
): Float32Array {
  const square = size * size;
  const out = new Float32Array(area.width * area.height * 3 * frames);
  const [right, bottom] = [area.x + area.width, area.y + area.height];
  let to = 0;
  for (let blockY = area.y; blockY < bottom; blockY += size * merge)
    for (let blockX = area.x; blockX < right; blockX += size * merge)
      for (let patchY = blockY; patchY < blockY + size * merge; patchY += size)
        for (let patchX = blockX; patchX < blockX + size * merge; patchX += size)
          for (let channel = 0; channel < 3; channel++) {
            const table = values[channel]!;
            const start = to;
            for (let y = patchY; y < patchY + size; y++) {
              let from = (y * width + patchX) * 3 + channel;
              for (let x = 0; x < size; x++, from += 3) out[to++] = table[rgb[from]!]!;
            }
            for (let frame = 1; frame < frames; frame++, to += square) out.copyWithin(to, start, start + square);
          }
  return out;
}
