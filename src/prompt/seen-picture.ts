/** @file Turns the values that a vision tower takes back into a picture: what the model sees of an image. */

import type { ImageInput } from "../records.ts";
import type { ImageProcessor } from "./image-processor.ts";
import type { RgbImage } from "./resize.ts";

/**
 * The inverse of an image processor but for its resizing: the frame in its pixels, a tile at its place in it. A thumbnail beside
 * the tiles is left out.
 */
export function seenPicture({ layout, config }: ImageProcessor, image: ImageInput): RgbImage {
  const { mean, std } = config;
  const { patchSize, temporalPatchSize, tileTokens } = layout;
  const merge = tileTokens === undefined ? layout.mergeSize : 1;
  const [, rows, columns] = image.grid_thw;
  const { frameWidth: width, frameHeight: height } = image.frame;
  const [tileWidth, tileHeight] = [columns * patchSize, rows * patchSize];
  const [across, down] = [width / tileWidth, height / tileHeight];
  const square = patchSize ** 2;
  const rgb = new Uint8Array(width * height * 3);
  for (let patch = 0; patch < across * down * rows * columns; patch++) {
    const [tile, inTile] = [Math.floor(patch / (rows * columns)), patch % (rows * columns)];
    const { x, y } = placeOf(inTile, columns, merge);
    const left = (tile % across) * tileWidth + x * patchSize;
    const top = Math.floor(tile / across) * tileHeight + y * patchSize;
    for (let channel = 0; channel < 3; channel++) {
      const from = (patch * 3 + channel) * temporalPatchSize * square;
      for (let i = 0; i < square; i++) {
        const value = image.pixels[from + i]! * std[channel]! + mean[channel]!;
        const at = (top + Math.floor(i / patchSize)) * width + left + (i % patchSize);
        rgb[3 * at + channel] = Math.round(Math.min(Math.max(value, 0), 1) * 255);
      }
    }
  }
  return { width, height, rgb };
}

/** Column and row of a patch by its place in the order of `flatten`: square by square of `merge` patches a side. */
function placeOf(patch: number, columns: number, merge: number): { x: number; y: number } {
  const [block, inBlock] = [Math.floor(patch / merge ** 2), patch % merge ** 2];
  const blocks = columns / merge;
  return {
    x: (block % blocks) * merge + (inBlock % merge),
    y: Math.floor(block / blocks) * merge + Math.floor(inBlock / merge),
  };
}
