/**
 * @file Pictures with boxes. An image is embedded once, in a hidden gallery, and every figure refers to it, so that the
 * same scene before and after, or under a whole group, costs its bytes only once.
 */

import { readFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import type { BoxLine } from "../run/lines.ts";
import { labelAt, labelSize, outline, type Quad, type Size } from "./box-drawing.ts";
import { type Html, html } from "./html.ts";

/** Larger images are shrunk to this many pixels on their longer side. */
const LONGEST_SIDE = 480;

/** What a figure needs to know of a sample. Sizes and boxes are in pixels of the stored image. */
export interface Scene extends Size {
  /** Relative to the run folder, or absolute. */
  readonly image: string;
}

/** Collects the images that figures refer to, and embeds each of them once. */
export class Pictures {
  readonly #dir: string;
  readonly #ids = new Map<string, string>();

  constructor(runDir: string) {
    this.#dir = runDir;
  }

  /**
   * The image with its boxes: predicted ones solid, numbered and coloured as in the text; ground truth dashed.
   * `label` says what a screen reader reads.
   */
  figure(scene: Scene, boxes: readonly BoxLine[], truth: readonly Quad[], label: string): Html {
    return html`<svg class="picture" viewBox="0 0 ${scene.width} ${scene.height}" role="img" aria-label="${label}"
      style="--aspect: ${(scene.width / scene.height).toFixed(3)}">
      <use href="#${this.#idOf(scene)}" width="${scene.width}" height="${scene.height}"/>
      ${truth.map((quad) => html`<path class="truth under" d="${outline(quad)}"/><path class="truth" d="${outline(quad)}"/>`)}
      ${boxes.map(({ box }, i) => {
        const [x, y] = labelAt(box, scene);
        return html`<g class="box b${i % 8}" data-box="${i}"><path class="under" d="${outline(box)}"/><path d="${outline(box)}"/>
          <text x="${x}" y="${y}" font-size="${labelSize(scene)}">${i + 1}</text></g>`;
      })}
    </svg>`;
  }

  /** The hidden gallery that all figures refer to. A missing or unreadable image becomes a grey sheet that says so. */
  async gallery(): Promise<Html> {
    const symbols: Html[] = [];
    for (const [image, id] of this.#ids) {
      const data = await dataUri(path.resolve(this.#dir, image));
      symbols.push(
        data === undefined
          ? html`<symbol id="${id}" viewBox="0 0 100 100"><rect width="100" height="100" fill="#888"/>
              <text x="50" y="52" text-anchor="middle" font-size="7" fill="#fff">image not found</text></symbol>`
          : html`<symbol id="${id}" viewBox="0 0 1 1" preserveAspectRatio="none"><image width="1" height="1"
              preserveAspectRatio="none" href="${data}"/></symbol>`,
      );
    }
    return html`<svg class="gallery" width="0" height="0" aria-hidden="true">${symbols}</svg>`;
  }

  #idOf(scene: Scene): string {
    const id = this.#ids.get(scene.image) ?? `image-${this.#ids.size}`;
    this.#ids.set(scene.image, id);
    return id;
  }
}

/** The file as it is when a browser shows it as stored, else re-encoded smaller; EXIF orientation is never applied. */
async function dataUri(file: string): Promise<string | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  const facts =
    bytes &&
    (await sharp(bytes)
      .metadata()
      .catch(() => undefined));
  if (!bytes || !facts) return undefined;
  const small = Math.max(facts.width, facts.height) <= LONGEST_SIDE;
  if (small && facts.format === "png" && facts.orientation === undefined) return uri("image/png", bytes);
  const shrunk = sharp(bytes).resize({
    width: LONGEST_SIDE,
    height: LONGEST_SIDE,
    fit: "inside",
    withoutEnlargement: true,
  });
  const jpeg = await shrunk
    .flatten({ background: "#fff" })
    .jpeg({ quality: 82 })
    .toBuffer()
    .catch(() => undefined);
  return jpeg && uri("image/jpeg", jpeg);
}

function uri(type: string, bytes: Buffer): string {
  return `data:${type};base64,${bytes.toString("base64")}`;
}
