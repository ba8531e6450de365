/** @file Keys of a data line that look like one that is read, but are not: their values would be lost without a word. */
import { editDistance } from "../util/errors.ts";
import type { Faults } from "../util/faults.ts";
import type { JsonObject } from "../util/json-object.ts";
import { shortened } from "../util/shortened.ts";

/** What others call a key. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  choices: ["options"],
  bboxs: ["objects", "regions", "rects", "rois"],
};

/** Adds a fault for each key that is probably meant to be one of `known`, by its spelling, its name elsewhere, or as a box. */
export function reportMisnamed(json: JsonObject, known: readonly string[], where: string, faults: Faults): void {
  for (const [key, value] of Object.entries(json)) {
    if (known.includes(key)) continue;
    const meant = meantBy(key, value, json, known);
    if (meant === "bboxs") faults.add(`${where}: ${shortened(key)}`, "is not read; name the boxes bboxs");
    else if (meant) faults.add(`${where}: ${shortened(key)}`, `is not read; did you mean ${meant}?`);
  }
}

function meantBy(key: string, value: unknown, json: JsonObject, known: readonly string[]): string | undefined {
  // `num_boxes: 2` holds no box.
  const holdsMore = typeof value === "object" || typeof value === "string";
  if (holdsMore && /box/i.test(key) && known.includes("bboxs")) return "bboxs";
  return known.find((name) => !Object.hasOwn(json, name) && isNear(key, name));
}

/** The same letters in other case or with other marks between, another's name, or a long word with one typing error. */
function isNear(key: string, name: string): boolean {
  const [bare, wanted] = [letters(key), letters(name)];
  if (bare === wanted || OTHER_NAMES[name]?.includes(bare)) return true;
  return name.length >= 5 && bare.length >= 4 && editDistance(bare, wanted) === 1;
}

function letters(key: string): string {
  return key.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
