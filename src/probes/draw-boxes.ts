/** @file Draws boxes into an image's pixels, for models that must see them. */

import type { RgbImage } from "../prompt/resize.ts";
import type { Box } from "../records.ts";

/** Thickness of a frame in pixels, to the inside of its box, and its red: as the original project draws boxes. */
const THICKNESS = 3;
const RED = [255, 0, 0] as const;

/** A copy of the image with a red frame along the inside of every box; what lies outside the image is cut off. */
export function drawBoxes({ width, height, rgb }: RgbImage, boxes: readonly Box<"image">[]): RgbImage {
  const out = Uint8Array.from(rgb);
  for (const box of boxes) {
    const [x1, y1, x2, y2] = [box.x1, box.y1, box.x2, box.y2].map(Math.round) as [number, number, number, number];
    for (let y = Math.max(0, y1); y < Math.min(height, y2); y++)
      for (let x = Math.max(0, x1); x < Math.min(width, x2); x++) {
        const depth = Math.min(x - x1, x2 - 1 - x, y - y1, y2 - 1 - y);
        if (depth < THICKNESS) out.set(RED, (y * width + x) * 3);
      }
  }
  return { width, height, rgb: out };
}
