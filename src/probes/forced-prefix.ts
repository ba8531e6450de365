/**
 * @file Edits the reasoning of chains into a text that the model must continue. What changes after it shows what boxes and
 * thoughts are worth. The paper's rethink ablation (figure 5) is one of these edits, before `<rethink>`.
 */

import type { Chain, PlacedBox } from "../records.ts";
import type { Random } from "../util/random.ts";

/** Edits the text before a tag and the boxes in it; undefined where there is nothing to edit. */
export type Edit = (head: string, boxes: readonly PlacedBox[]) => string | undefined;

/**
 * The chain up to and including its first `until` tag, with the text before it edited. Undefined when the chain lacks the tag, has
 * an `<answer>` before it, or when there is nothing to edit.
 */
export function forcedPrefix({ text, boxes }: Chain, until: "<rethink>" | "<answer>", edit: Edit): string | undefined {
  const at = text.indexOf(until);
  const head = text.slice(0, at);
  if (at < 0 || head.includes("<answer>")) return undefined;
  const edited = edit(
    head,
    boxes.filter(({ end }) => end <= at),
  );
  return edited === undefined ? undefined : edited + until;
}

/** The reasoning as it is, with which the others are compared. */
export const intact: Edit = (head) => head;

/** Removes every box, with the brackets around it. */
export const boxesRemoved: Edit = (head, boxes) => {
  return boxes.length === 0 ? undefined : replaced(head, bracketed(head, boxes), () => "");
};

/** A range of characters of a text. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Where boxes stand in a text, with the brackets around them. */
export function bracketed(text: string, boxes: readonly Stretch[]): Stretch[] {
  return boxes.map(({ start, end }) => {
    const opening = /[([]\s*$/.exec(text.slice(0, start));
    const closing = /^\s*[)\]]/.exec(text.slice(end));
    return opening && closing ? { start: opening.index, end: end + closing[0].length } : { start, end };
  });
}

/**
 * Every box takes another one's place, equal boxes the same one: words and regions no longer belong together, while the
 * regions stay what they are. Nothing to do with fewer than two different boxes.
 */
export function boxesShuffled(random: Random): Edit {
  return (head, boxes) => {
    const key = ({ written: { x1, y1, x2, y2 } }: PlacedBox) => [x1, y1, x2, y2].join(" ");
    const spelling = new Map(boxes.map((box) => [key(box), head.slice(box.start, box.end)]));
    if (spelling.size < 2) return undefined;
    // One cycle through all of them: none keeps its place.
    const cycle = random.shuffle([...spelling.keys()]);
    const successor = new Map(cycle.map((each, i) => [each, cycle[(i + 1) % cycle.length]!]));
    return replaced(head, boxes, (i) => spelling.get(successor.get(key(boxes[i]!))!)!);
  };
}

/** Every think and rethink is emptied; its tags stay. */
export const thinkingRemoved: Edit = (head) => {
  const emptied = head.replace(/(<(think|rethink)>)[\s\S]*?(<\/\2>)/g, "$1$3");
  return emptied === head ? undefined : emptied;
};

/** A text with some ranges replaced; they are in order and do not overlap. */
export function replaced(text: string, stretches: readonly Stretch[], by: (index: number) => string): string {
  let out = "";
  let done = 0;
  for (const [i, { start, end }] of stretches.entries()) {
    out += text.slice(done, start) + by(i);
    done = end;
  }
  return out + text.slice(done);
}
