/** @file The paper's table 1 (arXiv 2505.15879): ACC in % as GPT-4o judged it, and grounding IoU by the original's script. */

/** A published number is null where the table has none. */
export interface PublishedRow {
  readonly model: string;
  readonly method: "Direct query" | "Chain-of-Thought" | "One-shot ICL" | "Few-shot fine-tuning" | "GRIT";
  /** By the paper's set: ACC, IoU. */
  readonly sets: Readonly<Record<PublishedSet, readonly [acc: number | null, giou: number | null]>>;
}
export type PublishedSet = "vsr" | "tallyqa" | "gqa" | "mathvista" | "mme" | "ovd";

type Numbers = readonly [number, number, number, number, number, number, number, number, number];

/** In the table's order of columns: VSR, TallyQA and GQA with ACC and IoU, the ACC of MathVista and MME, OVDEval's IoU. */
function row(model: string, method: PublishedRow["method"], n: Numbers): PublishedRow {
  const sets = {
    vsr: [n[0], n[1]],
    tallyqa: [n[2], n[3]],
    gqa: [n[4], n[5]],
    mathvista: [n[6], null],
    mme: [n[7], null],
    ovd: [null, n[8]],
  } as const;
  return { model, method, sets };
}

const QWEN = "Qwen2.5-VL-3B";
const INTERNVL = "InternVL3-2B";

export const PUBLISHED: readonly PublishedRow[] = [
  row(QWEN, "Direct query", [49.5, 0, 40.8, 0, 55.4, 0, 58.5, 88.9, 0.389]),
  row(QWEN, "Chain-of-Thought", [37.5, 0.122, 33.2, 0.113, 39.5, 0.269, 33.0, 41.3, 0.388]),
  row(QWEN, "One-shot ICL", [13.2, 0.213, 36.3, 0.268, 20.4, 0.441, 29.1, 24.7, 0.328]),
  row(QWEN, "Few-shot fine-tuning", [59.7, 0.216, 44.5, 0.284, 64.6, 0.475, 45.0, 68.3, 0.391]),
  row(QWEN, "GRIT", [72.9, 0.325, 47.8, 0.447, 62.8, 0.485, 59.8, 89.3, 0.398]),
  row(INTERNVL, "Direct query", [52.9, 0, 15.5, 0, 29.4, 0, 43.0, 40.0, 0.551]),
  row(INTERNVL, "Chain-of-Thought", [6.4, 0.428, 6.8, 0.279, 4.1, 0.292, 7.5, 14.0, 0.219]),
  row(INTERNVL, "One-shot ICL", [3.4, 0.435, 3.7, 0.275, 2.6, 0.435, 14.1, 1.3, 0.593]),
  row(INTERNVL, "Few-shot fine-tuning", [54.0, 0.381, 22.5, 0.116, 46.8, 0.114, 17.4, 62.3, 0.078]),
  row(INTERNVL, "GRIT", [64.9, 0.495, 44.2, 0.324, 63.2, 0.457, 48.2, 82.0, 0.56]),
];

/** The paper's set that a set stands for, by its name: `vsr_val` is `vsr`. Undefined for any other. */
export function publishedSet(name: string): PublishedSet | undefined {
  const known: Readonly<Record<string, PublishedSet>> = {
    vsr: "vsr",
    tallyqa: "tallyqa",
    gqa: "gqa",
    mathvista: "mathvista",
    mathvista_mini: "mathvista",
    mme: "mme",
    ovd_position: "ovd",
  };
  return known[name.toLowerCase().replace(/_(val|test)$/, "")];
}
