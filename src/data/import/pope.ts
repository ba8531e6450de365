/**
 * @file POPE: is this object in the image? Three files of 3,000 questions; a line of theirs, and a row of a table (Hugging Face
 * parquet, VLMEvalKit TSV):
 *
 *     {"question_id": 1, "image": "COCO_val2014_000000000123.jpg", "text": "Is there a dog in the image?", "label": "yes"}
 *     {"question_id": "1", "category": "adversarial", "question": "Is there a dog in the image?", "answer": "yes", "image": …}
 */
import { type Benchmark, layout } from "./benchmark.ts";
import { identifier, image, imagePath, oneOf, text, yesOrNo } from "./fields.ts";

const KINDS = ["random", "popular", "adversarial"] as const;

const table = { category: oneOf(...KINDS), question: text, answer: yesOrNo, image };

export const pope: Benchmark = {
  name: "pope",
  title: "POPE",
  files:
    "coco_pope_random.json, coco_pope_popular.json, coco_pope_adversarial.json with COCO val2014, or a parquet or TSV file",
  layouts: [
    layout({ question_id: identifier, image: imagePath, text, label: yesOrNo }, (row, { stem }) => {
      const kind = KINDS.find((kind) => stem.includes(kind));
      if (!kind) return `belongs to none of ${KINDS.join(", ")} by its file's name`;
      return { ...itemOf(kind, row.text, row.label), id: `pope_${kind}-${row.question_id}`, image: row.image };
    }),
    layout({ ...table, question_id: identifier }, (row) => ({
      ...itemOf(row.category, row.question, row.answer),
      id: `pope_${row.category}-${row.question_id}`,
      image: row.image,
    })),
    layout({ ...table, index: identifier }, (row) => ({
      ...itemOf(row.category, row.question, row.answer),
      id: `pope_${row.category}-${row.index}`,
      image: row.image,
      imageKey: row.index,
    })),
  ],
};

function itemOf(kind: string, question: string, answer: string) {
  return { question, answer, dataset: `pope_${kind}`, split: "test" };
}
