/**
 * @file What a rethink follows: a thought with its boxes, or with something else in their place. What it attends to then tells what
 * boxes do by where they are, by being boxes, and by being tokens at all.
 */
import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Chain } from "../records.ts";
import { bracketed, forcedPrefix, intact, replaced, type Stretch } from "./forced-prefix.ts";

/** A chain up to and including `<rethink>`, and where the boxes before it stand. */
export interface BoxedThought {
  readonly text: string;
  readonly boxes: readonly Stretch[];
}

/** A thought as ids, and the places among them of what stands for its boxes. */
export interface ThoughtIds {
  readonly ids: readonly number[];
  readonly boxes: readonly number[];
}

/** Lays out a thought, some otherwise than it was written. `other` is the thought of another chain. */
export type ThoughtVariant = (thought: BoxedThought, other: BoxedThought, tokenizer: Tokenizer) => ThoughtIds;

/** The thought of a chain that has a box before its rethink; undefined of another. */
export function boxedThought(chain: Chain): BoxedThought | undefined {
  const text = forcedPrefix(chain, "<rethink>", intact);
  if (text === undefined) return undefined;
  const boxes = bracketed(
    text,
    chain.boxes.filter(({ end }) => end <= text.length),
  );
  return boxes.length > 0 ? { text, boxes } : undefined;
}

/** As it was written. */
export const withBoxes: ThoughtVariant = (thought, _, tokenizer) => laid(thought, tokenizer);

/** The paper's edit. */
export const boxesRemoved: ThoughtVariant = ({ text, boxes }, _, tokenizer) => ({
  ids: tokenizer.encode(replaced(text, boxes, () => "")),
  boxes: [],
});

/** Boxes of another chain, which is about another picture. */
export const othersBoxes: ThoughtVariant = ({ text, boxes }, other, tokenizer) => {
  const spelled = boxes.map((_, i) => {
    const { start, end } = other.boxes[i % other.boxes.length]!;
    return other.text.slice(start, end);
  });
  let grown = 0;
  const moved = boxes.map(({ start, end }, i) => {
    const from = start + grown;
    grown += spelled[i]!.length - (end - start);
    return { start: from, end: from + spelled[i]!.length };
  });
  return laid({ text: replaced(text, boxes, (i) => spelled[i]!), boxes: moved }, tokenizer);
};

/** A full stop for each token of a box: as many tokens, which say nothing. */
export const fullStops: ThoughtVariant = (thought, _, tokenizer) => {
  const { ids, boxes } = laid(thought, tokenizer);
  const [stop] = tokenizer.encode(".") as [number];
  return { ids: ids.map((id, i) => (boxes.includes(i) ? stop : id)), boxes };
};

/** A thought's ids; a token that holds a part of a box is one of its places. */
function laid({ text, boxes }: BoxedThought, tokenizer: Tokenizer): ThoughtIds {
  const ids = tokenizer.encode(text);
  const bytes = (end: number) => Buffer.byteLength(text.slice(0, end));
  const stretches = boxes.map(({ start, end }) => ({ start: bytes(start), end: bytes(end) }));
  const places: number[] = [];
  let from = 0;
  for (const [i, id] of ids.entries()) {
    const to = from + tokenizer.bytes(id).length;
    if (stretches.some(({ start, end }) => from < end && start < to)) places.push(i);
    from = to;
  }
  return { ids, boxes: places };
}
