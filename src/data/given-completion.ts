/**
 * @file What a model said, in a line of any file that we write or document: `completion` and `completion_ids`; `text` and `tokens`
 * of `grit generate`; `text` and `ids` of a run's rollouts; `text` and `response` of an evaluation. Which keys are used is
 * decided line by line, and two that say different things are a fault.
 */
import { z } from "zod";

const text = z.string("is not a string").optional();
const ids = z.array(z.int("is not a token id").nonnegative("is negative"), "is not a list of token ids");
const quad = z.tuple([z.number(), z.number(), z.number(), z.number()], "is not [x1, y1, x2, y2]");
/** A box as `grit generate` writes it, or as evaluations and rollouts do, with its flaws. */
const found = z.union([
  quad.transform((box) => ({ box, outOfBounds: undefined })),
  z.object({ box: quad, outOfBounds: z.boolean().optional() }),
]);

const keys = {
  completion: text,
  text,
  completion_ids: ids.min(1, "is empty").optional(),
  // In an evaluation this is their number.
  tokens: z.union([ids, z.number()], "is not a list of token ids").optional(),
  ids: ids.optional(),
};

/** What a model said. */
export interface GivenCompletion {
  readonly text: string | undefined;
  readonly ids: readonly number[] | undefined;
  /** The keys that held them, for messages. */
  readonly textKey: string;
  readonly idsKey: string;
  /** The boxes of the text, in its order, in pixels of the stored image, if the line has them. */
  readonly boxes: readonly FoundBox[] | undefined;
}

export interface FoundBox {
  readonly box: readonly [number, number, number, number];
  readonly outOfBounds?: boolean | undefined;
}

/** Reads what a line holds of a completion; a line without any has neither text nor ids. */
export const givenCompletion = z
  .object({ ...keys, boxes: z.unknown().optional() }, "is not a JSON object")
  .transform((line, context): GivenCompletion => {
    const fault = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    const tokens = typeof line.tokens === "number" ? undefined : line.tokens;
    const texts = given({ completion: line.completion, text: line.text });
    const lists = given({ completion_ids: line.completion_ids, tokens, ids: line.ids });
    for (const values of [texts, lists]) {
      const other = values.find(([, value]) => JSON.stringify(value) !== JSON.stringify(values[0]![1]));
      if (other) fault(other[0], `differs from ${values[0]![0]}; leave one of them out`);
    }
    const [[textKey, text] = ["completion", undefined]] = texts;
    const [[idsKey, ids] = ["completion_ids", undefined]] = lists;
    // Only boxes beside `text` were written by this program; beside a `completion` they can mean anything.
    const boxes = textKey === "text" && line.boxes !== undefined ? z.array(found).safeParse(line.boxes) : undefined;
    if (boxes && !boxes.success) fault("boxes", "are not the boxes of the text as grit writes them");
    return { text, ids, textKey, idsKey, boxes: boxes?.data };
  });

/** The entries that have a value. */
function given<T>(values: Readonly<Record<string, T | undefined>>): [string, T][] {
  return Object.entries(values).filter((entry): entry is [string, T] => entry[1] !== undefined);
}
