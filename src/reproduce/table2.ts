/** @file Table 2: what the six test sets ask, by the number of items and words and the share of multiple choice and yes/no. */
import { describe } from "../data/check.ts";
import { TABLE2 } from "./published-studies.ts";
import type { Study } from "./study.ts";

/** The sets in the table's order, by their names in recipes. */
const SETS = ["vsr", "tallyqa", "gqa", "mathvista_mini", "mme", "ovd_position"];
const CHOICE = 3;

export const table2: Study = {
  name: "table2",
  title: "Table 2: the six test sets",
  families: ["qwen"],
  arms: () => [],
  run: async (runs) => {
    const sets = await runs.sets();
    const rows = SETS.map((name) => {
      const { samples } = sets.find((set) => set.name === name)!;
      // A set is described as a whole, whatever data sets its samples come from.
      const [of] = describe(samples.map((sample) => ({ ...sample, dataset: name })));
      const numbers = [of!.items, of!.questionLength, of!.answerLength, of!.choice];
      return { name, seeds: 1, numbers: numbers.map((mean) => ({ mean, low: mean, high: mean, n: of!.items })) };
    });
    const paper = TABLE2.map(({ name, numbers }) => ({
      name: `${name} (paper)`,
      numbers: numbers.map((value, i) => (i === CHOICE ? value / 100 : value)),
    }));
    const mostly = (share: number) => share > 0.5;
    const other = rows.filter(({ numbers }, i) => mostly(numbers[CHOICE]!.mean) !== mostly(paper[i]!.numbers[CHOICE]!));
    return {
      columns: [
        { name: "items", form: "quantity" },
        { name: "question", form: "quantity" },
        { name: "answer", form: "quantity" },
        { name: "choice or yes/no", form: "percent" },
      ],
      arms: rows,
      paper,
      gains: [],
      direction: {
        agrees: other.length === 0,
        sentence:
          other.length === 0
            ? "As in the paper, the same sets are mostly answered by a choice or by yes or no."
            : `Unlike in the paper in ${other.map(({ name }) => name).join(", ")}, the same sets are mostly answered by a choice or by yes or no.`,
      },
      notes: ["question, answer: words an item."],
    };
  },
};
