/**
 * @file GRIT_data, the original project's sets, as they are:
 *
 *     {"question": "Is the cat on the table?", "answer": "Yes", "image": "000000000123.jpg", "width": 640, "height": 480,
 *      "bboxs": [[34.41, 79.87, 608.34, 415.23]], "dataset": "vsr", "split": "val"}
 *
 * An answer may be a number or, in detection, four of them; it becomes text.
 */
import { z } from "zod";
import { type Benchmark, type Layout, layout } from "./benchmark.ts";
import { imagePath, pixels, quad, text } from "./fields.ts";

const answer = z
  .union([text, z.number(), quad], {
    error: ({ input }) => (input === undefined ? "is missing" : "is of no known type"),
  })
  .transform((value) => (Array.isArray(value) ? `[${value.join(", ")}]` : String(value)));

/** GRIT's rows, which Visual CoT's metadata files have too. */
export const gritRow: Layout = layout(
  {
    question: text,
    answer,
    image: imagePath,
    width: pixels,
    height: pixels,
    bboxs: z.array(quad, "is not a list of boxes").optional(),
    dataset: text,
    split: text,
    key_words: z.array(text).optional(),
  },
  ({ question, answer, image, width, height, bboxs, dataset, split, key_words }, { number }) => ({
    id: `${dataset}-${split}-${number}`,
    question,
    answer,
    image,
    size: { width, height },
    dataset,
    split,
    ...(bboxs && { boxes: bboxs }),
    ...(key_words && { keyWords: key_words }),
  }),
);

export const grit: Benchmark = {
  name: "grit",
  title: "GRIT_data",
  files: "vsr_val.jsonl and the others of GRIT_data; the folder of that set's images",
  layouts: [gritRow],
};
