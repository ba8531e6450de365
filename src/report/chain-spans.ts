/** @file A chain's text cut into spans: its boxes, its tags, and the words between. The report and the studio draw them. */

import type { BoxLine } from "../run/lines.ts";

const TAG = /(<\/?(?:think|rethink|answer)>)/;

/** A stretch of the text; `start` is its place there, in UTF-16 units. */
export interface Span {
  readonly kind: "words" | "tag" | "box";
  readonly text: string;
  readonly start: number;
  /** Of a box: its place in the list of boxes, and what is wrong with it. */
  readonly box?: number;
  readonly flaws?: readonly string[];
}

/** The spans, which join to the text. A box whose range overlaps an earlier one or lies outside the text is left as words. */
export function chainSpans(text: string, boxes: readonly BoxLine[]): Span[] {
  const ordered = boxes.map((box, index) => ({ ...box, index })).sort((a, b) => a.start - b.start);
  const spans: Span[] = [];
  let at = 0;
  for (const box of ordered) {
    if (box.start < at || box.end <= box.start || box.end > text.length) continue;
    const { start, end, index } = box;
    spans.push(...wordsAndTags(text.slice(at, start), at));
    spans.push({ kind: "box", text: text.slice(start, end), start, box: index, flaws: flawsOf(box) });
    at = end;
  }
  return [...spans, ...wordsAndTags(text.slice(at), at)];
}

/** What the parser found wrong with a box, in words. */
function flawsOf({ duplicate, degenerate, outOfBounds }: BoxLine): string[] {
  const flaws = [
    duplicate && "written before",
    degenerate && "has no area",
    outOfBounds && "reaches outside the image",
  ];
  return flaws.filter((flaw) => typeof flaw === "string");
}

function wordsAndTags(text: string, start: number): Span[] {
  let at = start;
  return text.split(TAG).flatMap((piece, i): Span[] => {
    const span: Span = { kind: i % 2 === 1 ? "tag" : "words", text: piece, start: at };
    at += piece.length;
    return piece === "" ? [] : [span];
  });
}
