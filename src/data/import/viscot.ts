/**
 * @file Visual CoT, from which the paper's VSR and GQA sets come. Its benchmark (and training) files are conversations:
 *
 *     {"dataset": "vsr", "split": "val", "question_id": 0,
 *      "image": ["cot/vsr/000000000123.jpg", "cot/vsr/000000000123.jpg###[392, 316, 467, 414]"],
 *      "conversations": [{"from": "human", "value": "<image>\nWhat is under the cat? Please provide the bounding box …"},
 *                        {"from": "gpt", "value": "[0.614, 0.619, 0.731, 0.773]"}, {"from": "human", "value": "<image>"},
 *                        {"from": "gpt", "value": "table"}]}
 *
 * The box in pixels is the one after `###` (the other is in shares of the padded square). The metadata files
 * (`viscot_dataset/*.jsonl`) have GRIT's own rows. The paper took `vsr` (404 rows) and `gqa` (978) and removed ambiguous rows by
 * hand; what it kept is in GRIT_data only (see `grit.ts`).
 */
import { z } from "zod";
import { type Benchmark, layout, type Quad } from "./benchmark.ts";
import { identifier, text } from "./fields.ts";
import { gritRow } from "./grit.ts";

const BOX = /^(.*)###\[(-?\d+), (-?\d+), (-?\d+), (-?\d+)\]$/;
const REQUEST = / Please provide the bounding box coordinate of the region .*$/s;

const turn = z.object({ from: text, value: text });

export const viscot: Benchmark = {
  name: "viscot",
  title: "Visual CoT",
  files:
    "viscot_benchmark/benchmark/vsr.json, gqa.json and others (--images: the folder that holds cot/), or viscot_dataset/*.jsonl",
  layouts: [
    layout(
      {
        dataset: text,
        split: text,
        question_id: identifier,
        image: z.tuple([text, text.regex(BOX, "does not end in ###[x1, y1, x2, y2]")], {
          error: () => "is not a path and the same path with ###[x1, y1, x2, y2]",
        }),
        conversations: z.tuple([turn, turn, turn, turn], { error: () => "is not of four turns" }),
      },
      ({ dataset, split, question_id, image: [path, region], conversations: [asked, , , answered] }) => ({
        id: `${dataset}-${split}-${question_id}`,
        question: asked.value.replace(/^<image>\n/, "").replace(REQUEST, ""),
        answer: answered.value,
        image: { path },
        boxes: [BOX.exec(region)!.slice(2).map(Number) as unknown as Quad],
        dataset,
        split,
      }),
    ),
    gritRow,
  ],
};
