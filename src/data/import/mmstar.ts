/**
 * @file MMStar: 1,500 multiple-choice questions that need the image. A row of the parquet file, of MMStar.tsv, whose question
 * lists its options too, some as lines `(A) a cup`, and of a table with the options in columns:
 *
 *     {"index": 0, "question": "What is it?\nOptions: A: a cup, B: a cat", "image": …, "answer": "B",
 *      "category": "coarse perception", "l2_category": "image scene and topic", "meta_info": {…}}
 *     {"index": "0", "question": "What is it?\nOptions: A: a cup, B: a cat", "answer": "B", "category": …, "l2_category": …,
 *      "bench": "MMBench", "image": …}
 *     {"index": "0", "question": "What is it?", "A": "a cup", "B": "a cat", "answer": "B", "category": …, "l2_category": …, "image": …}
 */
import { type Benchmark, layout } from "./benchmark.ts";
import { identifier, image, optionLetter, text } from "./fields.ts";
import { listedOptions, optionColumns, optionsOf, withOptions } from "./lettered-options.ts";

const row = { index: identifier, question: text, answer: optionLetter, category: text, l2_category: text, image };
const set = { dataset: "mmstar", split: "val" };

export const mmstar: Benchmark = {
  name: "mmstar",
  title: "MMStar",
  files: "mmstar.parquet, or VLMEvalKit's TSV",
  layouts: [
    layout({ ...row, ...optionColumns }, (row) => {
      const choices = optionsOf(row);
      const { index, answer, image } = row;
      const question = withOptions(row.question, choices);
      return { ...set, id: `mmstar-${index}`, question, answer, image, imageKey: index, choices };
    }),
    layout(row, ({ index, question, answer, image }) => {
      const choices = listedOptions(question);
      return { ...set, id: `mmstar-${index}`, question, answer, image, imageKey: index, ...(choices && { choices }) };
    }),
  ],
};
