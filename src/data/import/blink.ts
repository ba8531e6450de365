/**
 * @file BLINK: fourteen subtasks of perception, multiple choice, one to four images a question. A row of the parquet files (one
 * folder a subtask; the answers of its test split are hidden), and of VLMEvalKit's TSV:
 *
 *     {"idx": "val_Counting_1", "prompt": "How many …?\n(A) 0\n(B) 3", "choices": ["0", "3"], "answer": "(B)",
 *      "image_1": …, "image_2": null, …}
 *     {"index": "0", "question": "How many …?", "A": "0", "B": "3", "answer": "B", "category": "Counting", "image": …}
 *
 * Several images become one, side by side from left to right: as BLINK's authors do for models that take one image.
 */
import { z } from "zod";
import { type Benchmark, layout } from "./benchmark.ts";
import { identifier, images, optionalImage, optionLetter, text } from "./fields.ts";
import { optionColumns, optionsOf, withOptions } from "./lettered-options.ts";

const answer = text.refine((value) => value !== "hidden", "is hidden: this is the test split").pipe(optionLetter);

export const blink: Benchmark = {
  name: "blink",
  title: "BLINK",
  files: "the val parquet files of its subtasks, or VLMEvalKit's TSV",
  layouts: [
    layout(
      {
        idx: text.regex(/^[a-z]+_.+_\d+$/, "is not <split>_<subtask>_<number>"),
        prompt: text,
        choices: z.array(text, "is not a list of options"),
        answer,
        image_1: z.object({ bytes: z.instanceof(Uint8Array) }, { error: () => "has no image bytes" }),
        image_2: optionalImage,
        image_3: optionalImage,
        image_4: optionalImage,
      },
      ({ idx, prompt, choices, answer, image_1, image_2, image_3, image_4 }) => ({
        id: `blink-${idx}`,
        question: prompt,
        answer,
        image: { bytes: [image_1.bytes, image_2, image_3, image_4].filter((bytes) => bytes !== undefined) },
        dataset: `blink_${idx.replace(/^[a-z]+_|_\d+$/g, "").toLowerCase()}`,
        split: idx.slice(0, idx.indexOf("_")),
        choices,
      }),
    ),
    layout({ index: identifier, question: text, answer, category: text, image: images, ...optionColumns }, (row) => {
      const choices = optionsOf(row);
      return {
        id: `blink-${row.index}`,
        question: withOptions(row.question, choices),
        answer: row.answer,
        image: row.image,
        imageKey: row.index,
        dataset: `blink_${row.category.toLowerCase()}`,
        split: "val",
        choices,
      };
    }),
  ],
};
