/**
 * @file Completion → Chain: the spans of the tagged text and every box in it. Parsing never fails: a chain that is not
 * well-formed has `wellFormed: false`, and a box with flaws has them named.
 */

import { box, extent, toSpace } from "../boxes.ts";
import type { Chain, Frame, PlacedBox, Space } from "../records.ts";
import { DIGIT, int, SPACE, WORD } from "./python.ts";

/** The space of a completion's numbers, and how its image was resized. */
export interface ChainContext {
  /** The space in which the model writes: `frame` for Qwen2.5-VL, `permille` for InternVL. */
  readonly space: Space;
  readonly frame: Frame;
}

// Python's r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b", the one box pattern of the paper and its code. Before or after a digit, \b
// means that no further word character follows.
const number = `([${DIGIT}]+)`;
const comma = `,[${SPACE}]*`;
const boxPattern = new RegExp(`(?<![${WORD}])${[number, number, number, number].join(comma)}(?![${WORD}])`, "gu");

const tagPattern = /<\/?(?:think|rethink|answer)>/g;
const formPattern = /^<think><\/think><rethink><\/rethink><answer>(?:<\/answer>)?$/;

/** The chain in a completion's text. Spans count UTF-16 units, as JavaScript strings do. */
export function parseChain(text: string, context: ChainContext): Chain {
  const end = indexOr(text, "<answer>", text.length);
  const think = pair(text.slice(0, end), "think", 0);
  const rethink = pair(text.slice(0, end), "rethink", think?.end ?? 0);
  return {
    text,
    think: think?.body,
    rethink: rethink?.body,
    answer: answerIn(text),
    boxes: findBoxes(text, context),
    wellFormed: isWellFormed(text),
  };
}

/** Exactly one think pair, then one rethink pair, then one `<answer>`, in this order. */
export function isWellFormed(text: string): boolean {
  return formPattern.test((text.match(tagPattern) ?? []).join(""));
}

/** The text after the first `<answer>`, cut at `</answer>`, trimmed; undefined without the tag. */
export function answerIn(text: string): string | undefined {
  const at = text.indexOf("<answer>");
  if (at < 0) return undefined;
  const after = text.slice(at + "<answer>".length);
  return after.slice(0, indexOr(after, "</answer>", after.length)).trim();
}

/**
 * Every box pattern in the text, left to right, without overlap: four numbers each, with their place. Numbers
 * are limited to 2^53 - 1, so that areas stay finite.
 */
export function findQuadruples(text: string): { numbers: readonly number[]; start: number; end: number }[] {
  return [...text.matchAll(boxPattern)].map((match) => ({
    numbers: match.slice(1).map((digits) => Math.min(int(digits)!, Number.MAX_SAFE_INTEGER)),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function findBoxes(text: string, { space, frame }: ChainContext): PlacedBox[] {
  const [width, height] = extent(space, frame);
  const rethinkAt = indexOr(text, "<rethink>", text.length);
  // The rethink is meant to name boxes again; only a repetition on one side of the tag is a flaw.
  const seen = new Set<string>();
  return findQuadruples(text).map(({ numbers, start, end }) => {
    const [x1, y1, x2, y2] = numbers as [number, number, number, number];
    const written = box(space, x1, y1, x2, y2);
    const beforeRethink = start < rethinkAt;
    const key = `${beforeRethink} ${numbers.join(" ")}`;
    const duplicate = seen.has(key);
    seen.add(key);
    return {
      written,
      box: toSpace(written, "image", frame),
      start,
      end,
      beforeRethink,
      duplicate,
      degenerate: x1 >= x2 || y1 >= y2,
      outOfBounds: Math.max(x1, x2) > width || Math.max(y1, y2) > height,
    };
  });
}

/** The first `<name>…</name>` at or after `from`, if there is no tag inside it. */
function pair(text: string, name: string, from: number): { body: string; end: number } | undefined {
  const open = text.indexOf(`<${name}>`, from);
  const close = text.indexOf(`</${name}>`, open);
  if (open < 0 || close < 0) return undefined;
  const body = text.slice(open + name.length + 2, close);
  if (body.search(tagPattern) >= 0) return undefined;
  return { body, end: close + name.length + 3 };
}

function indexOr(text: string, part: string, otherwise: number): number {
  const index = text.indexOf(part);
  return index < 0 ? otherwise : index;
}
