/** @file Checks boxes of official files against their images: small overhangs are cut, other faults are reported. */
import type { Quad } from "./benchmark.ts";

/** How far a box may reach over the image's edge, as a share of the side (at least a pixel), to be cut there. */
const SLACK = 0.01;

/**
 * The box in pixels of its image; `cut` if it reached a little over the edge (some of GQA's and Visual CoT's do). Or a phrase that
 * says what is wrong with it: its corners are in the wrong order, it is in another space, or far outside.
 */
export function fitBox(
  quad: Quad,
  { width, height }: { readonly width: number; readonly height: number },
): { readonly quad: Quad; readonly cut: boolean } | string {
  const [x1, y1, x2, y2] = quad;
  const shown = `[${quad.join(", ")}]`;
  if (x1 >= x2 || y1 >= y2) return `${shown} covers nothing; expected [x1, y1, x2, y2] with x1 < x2 and y1 < y2`;
  if (x1 >= 0 && y1 >= 0 && x2 <= 1 && y2 <= 1) return `${shown} is in shares of the image, not in pixels`;
  const [slackX, slackY] = [Math.max(1, SLACK * width), Math.max(1, SLACK * height)];
  if (x1 < -slackX || y1 < -slackY || x2 > width + slackX || y2 > height + slackY) {
    return `${shown} leaves the image of ${width}x${height} pixels; is it in another space, or [x, y, width, height]?`;
  }
  const cut: Quad = [Math.max(0, x1), Math.max(0, y1), Math.min(width, x2), Math.min(height, y2)];
  return { quad: cut, cut: cut.some((value, i) => value !== quad[i]) };
}
