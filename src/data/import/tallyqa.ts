/**
 * @file TallyQA: counting questions.
 *
 *     {"answer": 4, "data_source": "imported_genome", "image": "VG_100K_2/2410408.jpg", "image_id": 92410408,
 *      "issimple": false, "question": "How many headlights does the bus have?", "question_id": 30095774}
 *
 * The paper's rule: the same number of questions for each count from 0 to 9, 491 in all.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Benchmark, layout, type Placed } from "./benchmark.ts";
import { identifier, imagePath, text } from "./fields.ts";

const ITEMS = 491;
const COUNTS = 10;

export const tallyqa: Benchmark = {
  name: "tallyqa",
  title: "TallyQA",
  files: "test.json or train.json; images of Visual Genome (VG_100K, VG_100K_2) and COCO 2014 in one folder",
  layouts: [
    layout(
      {
        question_id: identifier,
        question: text,
        answer: z.int({ error: ({ input }) => (input === undefined ? "is missing" : "is not a count") }).nonnegative(),
        image: imagePath,
        data_source: text,
      },
      ({ question_id, question, answer, image }, { stem }) => ({
        id: `tallyqa-${question_id}`,
        question,
        answer: String(answer),
        image,
        dataset: "tallyqa",
        split: stem,
      }),
    ),
  ],
  rule: {
    says: `${ITEMS} questions, as evenly as can be over the counts 0 to ${COUNTS - 1}, drawn by the hash of their ids`,
    keep: evenCounts,
  },
};

/** Of each count the questions whose ids hash lowest: the same draw from a file in any order. In the file's order. */
async function* evenCounts(items: AsyncIterable<Placed>): AsyncGenerator<Placed> {
  const byCount = Array.from({ length: COUNTS }, (): { hash: string; order: number; placed: Placed }[] => []);
  let order = 0;
  for await (const placed of items) {
    const hash = createHash("sha256").update(placed.item.id).digest("hex");
    byCount[Number(placed.item.answer)]?.push({ hash, order: order++, placed });
  }
  const chosen = byCount.flatMap((candidates, count) => {
    const share = Math.floor(ITEMS / COUNTS) + (count < ITEMS % COUNTS ? 1 : 0);
    return candidates.sort((a, b) => (a.hash < b.hash ? -1 : 1)).slice(0, share);
  });
  for (const { placed } of chosen.sort((a, b) => a.order - b.order)) yield placed;
}
