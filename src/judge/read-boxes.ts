/** @file Boxes in answers, as people and models write them. */
import { box } from "../boxes.ts";
import type { Box } from "../records.ts";
import { chunks } from "../util/arrays.ts";

/** The boxes of a text, in pixels of the image: `[10, 20, 110, 220]`, with decimals, as two corners, with `x1=` before each number. */
export function boxesIn(text: string): Box<"image">[] {
  const bare = text
    .replace(/["']?\b[a-z]\w*["']?\s*[=:]\s*(?=-?\d)/gi, "")
    .replace(/\b(?:top|bottom|upper|lower)[ -]?(?:left|right)(?: corner)?\b\s*[=:]?/gi, "");
  return (bare.match(RUN) ?? []).flatMap((run) => {
    const numbers = run.match(new RegExp(NUMBER, "g"))!.map(Number);
    if (numbers.length % 4 > 0) return [];
    return chunks(numbers, 4).map((edges) => box("image", ...(edges as [number, number, number, number])));
  });
}

const NUMBER = String.raw`-?\d+(?:\.\d+)?`;
const RUN = new RegExp(
  `${NUMBER}(?:(?:\\s*[,;]\\s*|[\\s()[\\]]+|\\s*[)\\]]\\s*(?:,|to|and|[-–])?\\s*[([]\\s*)${NUMBER}){3,}`,
  "g",
);
