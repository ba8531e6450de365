/**
 * @file SLAKE: questions about radiology images, in English and Chinese.
 *
 *     [{"img_id": 1, "img_name": "xmlab1/source.jpg", "question": "What is shown?", "answer": "Liver", "q_lang": "en",
 *       "location": "Abdomen", "modality": "CT", "answer_type": "OPEN", "base_type": "vqa", "content_type": "Organ",
 *       "triple": […], "qid": 1}]
 *
 * It is measured on the English questions.
 */
import { type Benchmark, layout, only } from "./benchmark.ts";
import { identifier, imagePath, oneOf, text } from "./fields.ts";

export const slake: Benchmark = {
  name: "slake",
  title: "SLAKE",
  files: "test.json, validate.json or train.json; the folder imgs",
  layouts: [
    layout(
      { qid: identifier, img_name: imagePath, question: text, answer: text, q_lang: oneOf("en", "zh"), modality: text },
      ({ qid, img_name, question, answer, q_lang }, { stem }) => ({
        id: `slake-${qid}`,
        question,
        answer,
        image: img_name,
        dataset: `slake_${q_lang}`,
        split: stem,
      }),
    ),
  ],
  rule: only("the English questions", ({ dataset }) => dataset === "slake_en"),
};
