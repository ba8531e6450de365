/**
 * @file RealWorldQA: photographs, most from a car. A row of the parquet files, whose question lists its options, and of
 * VLMEvalKit's TSV, whose options are columns:
 *
 *     {"image": …, "question": "Which way?\n\nA. Left\nB. Right\nPlease answer directly with only the letter …", "answer": "A"}
 *     {"index": "0", "question": "Which way?", "A": "Left", "B": "Right", "answer": "A", "image": …}
 */
import { type Benchmark, layout } from "./benchmark.ts";
import { identifier, image, text } from "./fields.ts";
import { optionColumns, optionsOf, withOptions } from "./lettered-options.ts";

const set = { dataset: "realworldqa", split: "test" };

export const realworldqa: Benchmark = {
  name: "realworldqa",
  title: "RealWorldQA",
  files: "the parquet files of xai-org/RealworldQA, or VLMEvalKit's TSV",
  layouts: [
    layout({ index: identifier, question: text, answer: text, image, ...optionColumns }, (row) => {
      const choices = optionsOf(row);
      const { index, answer, image } = row;
      const question = withOptions(row.question, choices);
      return { ...set, id: `realworldqa-${index}`, question, answer, image, imageKey: index, choices };
    }),
    layout({ image, question: text, answer: text }, ({ image, question, answer }, { number }) => ({
      ...set,
      id: `realworldqa-${number}`,
      question: question.trim(),
      answer,
      image,
    })),
  ],
};
