/**
 * @file The prompt formats (methods): what stands around the question, where generation stops, and how the answer is read. They are
 * defined together, so that no run can pair a prompt with a reading that does not fit it.
 */

import type { Sample } from "../records.ts";
import { UserError } from "../util/errors.ts";

/** One prompt format. */
export interface Method {
  readonly name: MethodName;
  /** What the user turn asks with: the question, or the phrase of a detection sample. */
  readonly asks: "question" | "phrase";
  /** Stands before it. */
  readonly lead: string;
  /** Follows it. */
  readonly suffix: string;
  /** Generation ends after one of these, beside the model's own end of turn. */
  readonly stop: readonly string[];
  /** The answer: the text after `<answer>` (missing tag: no answer), or the whole response. */
  readonly answer: "tag" | "whole";
}

/** In the order of the paper's table 1, with direct detection behind the direct question. */
export const METHOD_NAMES = ["direct", "detect", "detect-box", "cot", "icl", "icl-box", "sft", "grit"] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

/** What GRIT appends to a question (paper, figure 7). Released checkpoints depend on every character, spelling and line end. */
export const GRIT_SUFFIX =
  " First, think between <think> and </think> while output necessary coordinates needed to answer the question in JSON with key 'bbox_2d'. Then, based on the thinking contents and coordinates, rethink between <rethink> </rethink> and then answer the question after <answer>.\n";

/** One worked item: five chairs counted. It speaks of no image at hand; its boxes are in pixels. */
const ICL_EXAMPLE = `
Example: Question: How many chairs are there?
<think>
{"bbox_2d": [142, 314, 299, 447], "label": "chair"}
{"bbox_2d": [0, 439, 58, 531], "label": "chair"}
{"bbox_2d": [222, 260, 299, 324], "label": "chair"}
{"bbox_2d": [285, 325, 336, 430], "label": "chair"}
{"bbox_2d": [316, 329, 336, 387], "label": "chair"}
</think>
<rethink>
The coordinates mark 5 chairs.
</rethink>
<answer>
5
</answer>
`;

/** As `ICL_EXAMPLE` in InternVL's way of writing boxes; the original kept the same pixel numbers. */
const ICL_BOX_SUFFIX = `${GRIT_SUFFIX.replace("in JSON with key 'bbox_2d'", "between <box> and </box>")}
Example: Question: How many chairs are there?
<think>
<ref>chair</ref> <box>[[142, 314, 299, 447], [0, 439, 58, 531], [222, 260, 299, 324], [285, 325, 336, 430], [316, 329, 336, 387]]</box>
</think>
<rethink>
The coordinates mark 5 chairs.
</rethink>
<answer>
5
</answer>
`;

const SFT_SUFFIX =
  "\nFirst, output a lists of all necessary coordinates (bbox_2d) needed to answer the question, then answer the question after <answer>.";

/** A question as GRIT and its baselines ask it. */
const question = { asks: "question", lead: "\nQuestion: " } as const;

/**
 * All methods by name. `cot` asks as `grit` does, of an untrained model; `icl-box` is `icl` for InternVL. `detect` and `detect-box`
 * ask for a box and nothing else, in the words that each family was tuned on: those of Qwen2.5-VL's cookbook on grounding, whose
 * answer is JSON with `bbox_2d` in pixels of the frame, and those of InternVL's evaluation on RefCOCO, whose answer is
 * `<box>[[x1, y1, x2, y2]]</box>` in thousandths.
 */
export const METHODS: Readonly<Record<MethodName, Method>> = {
  grit: { name: "grit", ...question, suffix: GRIT_SUFFIX, stop: ["</answer>"], answer: "tag" },
  direct: { name: "direct", ...question, suffix: "", stop: [], answer: "whole" },
  detect: {
    name: "detect",
    asks: "phrase",
    lead: "Locate ",
    suffix: ", output its bbox coordinates using JSON format.",
    stop: [],
    answer: "whole",
  },
  "detect-box": {
    name: "detect-box",
    asks: "phrase",
    lead: "Please provide the bounding box coordinate of the region this sentence describes: <ref>",
    suffix: "</ref>",
    stop: [],
    answer: "whole",
  },
  cot: { name: "cot", ...question, suffix: GRIT_SUFFIX, stop: ["</answer>"], answer: "tag" },
  icl: { name: "icl", ...question, suffix: GRIT_SUFFIX + ICL_EXAMPLE, stop: ["</answer>"], answer: "tag" },
  "icl-box": { name: "icl-box", ...question, suffix: ICL_BOX_SUFFIX, stop: ["</answer>"], answer: "tag" },
  sft: { name: "sft", ...question, suffix: SFT_SUFFIX, stop: [], answer: "tag" },
};

/** The user's text beside the image. `asked` is the question, or the phrase where the method asks with it. */
export function userText(asked: string, method: MethodName): string {
  const { lead, suffix } = METHODS[method];
  return lead + asked + suffix;
}

/**
 * What a method asks a sample with. @throws UserError where that is a phrase and the sample has none
 */
export function askedOf({ question, phrase }: Pick<Sample, "question" | "phrase">, method: MethodName): string {
  if (METHODS[method].asks === "question") return question;
  if (phrase !== undefined) return phrase;
  throw new UserError(`the method ${method} asks for what the key phrase describes, and the line has none`);
}
