/**
 * @file The prompt formats (methods): what follows the question, where generation stops, and how the answer is read. They are
 * defined together, so that no run can pair a prompt with a reading that does not fit it.
 */

/** One prompt format. */
export interface Method {
  readonly name: MethodName;
  /** Follows `"\nQuestion: " + question` in the user turn. */
  readonly suffix: string;
  /** Generation ends after one of these, beside the model's own end of turn. */
  readonly stop: readonly string[];
  /** The answer: the text after `<answer>` (missing tag: no answer), or the whole response. */
  readonly answer: "tag" | "whole";
}

/** In the order of the paper's table 1. */
export const METHOD_NAMES = ["direct", "cot", "icl", "icl-box", "sft", "grit"] as const;
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

/** All methods by name. `cot` asks as `grit` does, of an untrained model; `icl-box` is `icl` for InternVL. */
export const METHODS: Readonly<Record<MethodName, Method>> = {
  grit: { name: "grit", suffix: GRIT_SUFFIX, stop: ["</answer>"], answer: "tag" },
  direct: { name: "direct", suffix: "", stop: [], answer: "whole" },
  cot: { name: "cot", suffix: GRIT_SUFFIX, stop: ["</answer>"], answer: "tag" },
  icl: { name: "icl", suffix: GRIT_SUFFIX + ICL_EXAMPLE, stop: ["</answer>"], answer: "tag" },
  "icl-box": { name: "icl-box", suffix: ICL_BOX_SUFFIX, stop: ["</answer>"], answer: "tag" },
  sft: { name: "sft", suffix: SFT_SUFFIX, stop: [], answer: "tag" },
};

/** The user's text beside the image. */
export function userText(question: string, method: MethodName): string {
  return `\nQuestion: ${question}${METHODS[method].suffix}`;
}
