/**
 * @file MMHal-Bench: 96 open questions that tempt a model to hallucinate; a judge rates the answers.
 *
 *     [{"question_type": "attribute", "question_topic": "vehicle", "image_id": "ef60…", "image_src": "https://…/123_abc_o.jpg",
 *       "image_content": ["Bus", "Street"], "question": "…?", "gt_answer": "…", "model_answer": ""}]
 *
 * The image is the file that `image_src` ends in; `image_content` is kept as key words.
 */
import { z } from "zod";
import { type Benchmark, layout } from "./benchmark.ts";
import { text } from "./fields.ts";

export const mmhal: Benchmark = {
  name: "mmhal",
  title: "MMHal-Bench",
  files: "response_template.json; the images folder of test_data.zip",
  layouts: [
    layout(
      {
        question_type: text,
        image_id: text,
        image_src: text,
        image_content: z.array(text, "is not a list of names"),
        question: text,
        gt_answer: text,
      },
      ({ question_type, image_src, image_content, question, gt_answer }, { number }) => ({
        id: `mmhal_${question_type}-${number}`,
        question,
        answer: gt_answer,
        image: { path: image_src.split("/").at(-1)! },
        dataset: `mmhal_${question_type}`,
        split: "test",
        keyWords: image_content,
      }),
    ),
  ],
};
