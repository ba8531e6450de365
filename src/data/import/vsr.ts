/**
 * @file VSR (Visual Spatial Reasoning): a caption and whether it is true, made a question.
 *
 *     {"image": "000000000123.jpg", "image_link": "…", "caption": "The cat is on the table.", "label": 1, "relation": "on",
 *      "subj": "cat", "obj": "table", …}
 *
 * Every caption is "The A is/are RELATION the B." or uses a verb ("The train contains the laptop."). The paper's 288 items
 * are no rule over these files but a selection by hand from Visual CoT's questions: see `viscot.ts` and `grit.ts`.
 */
import { z } from "zod";
import { type Benchmark, layout } from "./benchmark.ts";
import { imagePath, text } from "./fields.ts";

const WITH_COPULA = /^The (.+?) (is|are) (.+?)\.?$/;
const WITH_VERB = /^The (.+?) (contains|consists|has|touches|covers) (.+?)\.?$/;

export const vsr: Benchmark = {
  name: "vsr",
  title: "VSR",
  files:
    "dev.jsonl, test.jsonl or train.jsonl of either split; images of COCO 2017 (train2017 and val2017 in one folder)",
  layouts: [
    layout(
      {
        image: imagePath,
        caption: text.refine((caption) => asQuestion(caption) !== undefined, "is not a statement of VSR's form"),
        label: z.literal([0, 1], { error: ({ input }) => (input === undefined ? "is missing" : "is neither 0 nor 1") }),
        relation: text,
      },
      ({ image, caption, label }, { number, stem }) => ({
        id: `vsr-${stem}-${number}`,
        question: asQuestion(caption)!,
        answer: label === 1 ? "Yes" : "No",
        image,
        dataset: "vsr",
        split: stem,
      }),
    ),
  ],
};

/** "The dog is on the bed." → "Is the dog on the bed?"; undefined for a sentence of another form. */
export function asQuestion(caption: string): string | undefined {
  const statement = caption.trim();
  // On one line the first verb that is found ends the search; over several, each would begin it anew.
  if (/[\n\r\u2028\u2029]/.test(statement)) return undefined;
  const copula = WITH_COPULA.exec(statement);
  if (copula) return `${copula[2] === "is" ? "Is" : "Are"} the ${copula[1]} ${copula[3]}?`;
  const verb = WITH_VERB.exec(statement);
  if (!verb) return undefined;
  const infinitive = verb[2] === "has" ? "have" : verb[2]!.replace(/(?<=ch)es$|s$/, "");
  return `Does the ${verb[1]} ${infinitive} ${verb[3]}?`;
}
