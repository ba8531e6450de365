/** @file Scene → pixels → PNG: a plain ground with a gentle gradient, grain and grey clutter, and the objects over it. */

import sharp from "sharp";
import { type Random, stream } from "../../util/random.ts";
import { coverage } from "./draw-shapes.ts";
import type { Color, Scene } from "./world.ts";

/** An image in memory: `rgb` is row-major, three bytes a pixel. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

type Rgb = readonly [number, number, number];

const INKS: Record<Color, Rgb> = {
  red: [212, 32, 40],
  green: [38, 156, 66],
  blue: [38, 88, 214],
  yellow: [242, 214, 38],
  purple: [150, 58, 190],
  orange: [244, 132, 22],
};

/** How far an ink's channels stray from its nominal shade, per object. */
const SHADE = 10;

/** Draws the scene, anti-aliased. The same scene gives the same bytes; no object changes a pixel outside its box. */
export function renderScene(scene: Scene): Raster {
  const raster = { width: scene.width, height: scene.height, rgb: new Uint8Array(3 * scene.width * scene.height) };
  paintGround(raster, stream(scene.seed, "ground"));
  const shades = stream(scene.seed, "shades");
  for (const { color, shape, box } of scene.objects) {
    const ink = INKS[color].map((channel) => clampByte(channel + shades.int(-SHADE, SHADE)));
    const side = box.x2 - box.x1;
    const mask = coverage(shape, side);
    for (let i = 0; i < mask.length; i++) {
      const share = mask[i]!;
      if (share === 0) continue;
      const at = 3 * ((box.y1 + Math.floor(i / side)) * scene.width + box.x1 + (i % side));
      for (let c = 0; c < 3; c++) raster.rgb[at + c] = Math.round(share * ink[c]! + (1 - share) * raster.rgb[at + c]!);
    }
  }
  return raster;
}

/** Encodes a raster as a PNG file's bytes. */
export async function toPng({ rgb, width, height }: Raster): Promise<Uint8Array> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** A light ground, or one time in three a dark one, far enough from every ink to show it. */
function paintGround(raster: Raster, random: Random): void {
  const { width, height, rgb } = raster;
  const level = random.chance(1 / 3) ? random.int(34, 62) : random.int(200, 236);
  const tone = [0, 1, 2].map(() => level + random.int(-6, 6));
  const [slopeX, slopeY] = [random.int(-12, 12) / width, random.int(-12, 12) / height];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = slopeX * x + slopeY * y + (random.uint32() & 3);
      for (let c = 0; c < 3; c++) rgb[at++] = clampByte(tone[c]! + light);
    }
  }
  for (let i = random.int(4, 16); i > 0; i--) paintSpeck(raster, random, level);
  for (let i = random.int(0, 2); i > 0; i--) paintLine(raster, random, level);
}

/** A grey of middling contrast with the ground. */
function clutterGrey(random: Random, level: number): number {
  const contrast = random.int(18, 60);
  return level > 128 ? level - contrast : level + contrast;
}

function paintSpeck(raster: Raster, random: Random, level: number): void {
  const grey = clutterGrey(random, level);
  const size = random.int(1, 3);
  const [x, y] = [random.int(0, raster.width - size), random.int(0, raster.height - size)];
  for (let i = 0; i < size * size; i++) paintGrey(raster, x + (i % size), y + Math.floor(i / size), grey);
}

function paintLine(raster: Raster, random: Random, level: number): void {
  const grey = clutterGrey(random, level);
  const [ax, ay] = [random.int(0, raster.width - 1), random.int(0, raster.height - 1)];
  const [bx, by] = [random.int(0, raster.width - 1), random.int(0, raster.height - 1)];
  const steps = Math.max(Math.abs(bx - ax), Math.abs(by - ay), 1);
  for (let i = 0; i <= steps; i++) {
    paintGrey(raster, Math.round(ax + ((bx - ax) * i) / steps), Math.round(ay + ((by - ay) * i) / steps), grey);
  }
}

function paintGrey({ width, rgb }: Raster, x: number, y: number, grey: number): void {
  rgb.fill(grey, 3 * (y * width + x), 3 * (y * width + x) + 3);
}

function clampByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
