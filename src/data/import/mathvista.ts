/**
 * @file MathVista: mathematics over pictures. A JSON file is an object of rows by problem id, a parquet file has the same
 * fields and the image's bytes in `decoded_image`.
 *
 *     {"7": {"pid": "7", "question": "What is the area?", "image": "images/7.jpg", "choices": ["4", "6"], "unit": null,
 *            "precision": null, "answer": "6", "question_type": "multi_choice", "answer_type": "text",
 *            "metadata": {"split": "testmini", …}, "query": "Hint: …\nQuestion: What is the area?\nChoices:\n(A) 4\n(B) 6"}}
 *
 * The question asked is the official `query`, hint and options included. The paper uses testmini, 1,000 problems.
 */
import { z } from "zod";
import { type Benchmark, layout, only } from "./benchmark.ts";
import { identifier, image, imagePath, oneOf, text } from "./fields.ts";

const problem = {
  pid: identifier,
  query: text,
  question_type: oneOf("multi_choice", "free_form"),
  answer_type: oneOf("text", "integer", "float", "list"),
  answer: text,
  choices: z.array(text, "is not a list of options").nullish(),
  metadata: z.object({ split: text }, { error: () => "names no split" }),
};

export const mathvista: Benchmark = {
  name: "mathvista",
  title: "MathVista",
  files: "testmini.json with its images folder, or the testmini parquet file",
  layouts: [layout({ ...problem, decoded_image: image }, toItem), layout({ ...problem, image: imagePath }, toItem)],
  rule: only("testmini", ({ split }) => split === "testmini"),
};

type Problem = z.infer<z.ZodObject<typeof problem>> & {
  readonly image?: z.infer<typeof imagePath>;
  readonly decoded_image?: z.infer<typeof image>;
};

function toItem({ pid, query, answer, answer_type, choices, metadata, image, decoded_image }: Problem) {
  return {
    id: `mathvista-${pid}`,
    question: query,
    answer,
    image: decoded_image ?? image!,
    dataset: "mathvista_mini",
    split: metadata.split,
    answerType: answer_type,
    ...(choices && choices.length > 0 && { choices: choicesAsked(query, choices, answer) }),
  };
}

/** The options as the query lists them: in eleven published rows `choices` has others or another order, and what was asked counts. */
function choicesAsked(query: string, choices: readonly string[], answer: string): readonly string[] {
  const listed = query.split("Choices:\n").at(-1)!.split("\n");
  const isLettered = listed.every((line, i) => line.startsWith(`(${String.fromCharCode(65 + i)}) `));
  const asked = isLettered ? listed.map((line) => line.slice("(A) ".length)) : [];
  return asked.length === choices.length && asked.includes(answer) ? asked : choices;
}
