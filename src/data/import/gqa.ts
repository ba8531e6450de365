/**
 * @file GQA: compositional questions, in a file that is an object of rows by question id.
 *
 *     {"201307251": {"imageId": "n161313", "question": "Is it overcast?", "answer": "no", "fullAnswer": "No, it is clear.",
 *                    "isBalanced": true, "types": {…}, "semantic": […], …}, …}
 *
 * These files have no boxes; the paper's do, since they come from Visual CoT: see `viscot.ts`.
 */
import { z } from "zod";
import { type Benchmark, layout } from "./benchmark.ts";
import { text } from "./fields.ts";

export const gqa: Benchmark = {
  name: "gqa",
  title: "GQA",
  files: "testdev_balanced_questions.json, val_balanced_questions.json or the like; the images folder of GQA",
  layouts: [
    layout(
      { imageId: text, question: text, answer: text, fullAnswer: text, isBalanced: z.boolean() },
      ({ imageId, question, answer }, { key, stem }) => ({
        id: `gqa-${key}`,
        question,
        answer,
        image: { path: `${imageId}.jpg` },
        dataset: "gqa",
        split: stem.replace(/_questions$/, ""),
      }),
    ),
  ],
};
