/** @file What a language model is asked about an answer, and how its verdict is read. */

import { createHash } from "node:crypto";
import { letter, listsAll } from "./choices-listed.ts";
import type { JudgeRequest } from "./judge.ts";
import type { AnswerForm, Question } from "./service.ts";

/** The paper's instruction to its judge (figure 8), which derives from that of Visual CoT. */
const INSTRUCTION = `You are responsible for proofreading the answers, you need to give a score to the model's answer by referring to the standard answer, based on the given question. The full score is 1 point and the minimum score is 0 points. Please output the score in the json form "{score: <score>}". The evaluation criteria require that the closer the model's answer is to the standard answer, the higher the score.`;

/** Tokens that an answer may have: a verdict takes ten, more are for models that wrap it in words. */
const MAX_TOKENS = 64;

const responseFormat = {
  type: "json_schema",
  json_schema: {
    name: "verdict",
    strict: true,
    schema: {
      type: "object",
      properties: { score: { type: "number", description: "from 0 to 1" } },
      required: ["score"],
      additionalProperties: false,
    },
  },
};

/** One user message, temperature 0. Choices are put below a question that does not list them. */
export function judgeQuestion(
  model: string,
  { question, answer, response, choices = [] }: JudgeRequest,
  form: AnswerForm,
): Question {
  const options = listsAll(question, choices) ? "" : choices.map((choice, i) => `\n(${letter(i)}) ${choice}`).join("");
  const content = `${INSTRUCTION}\nQuestion: ${question}${options}\nStandard answer: ${answer}\nModel's answer: ${response}`;
  const body = JSON.stringify({
    model,
    messages: [{ role: "user", content }],
    temperature: 0,
    max_tokens: MAX_TOKENS,
    ...(form === "json_schema" && { response_format: responseFormat }),
  });
  // No token is shorter than a byte.
  return { body, most: { input: Buffer.byteLength(body), output: MAX_TOKENS } };
}

/** SHA-256, hex, of all that a request says whatever is judged: the instruction, the schema, the limits. */
export function instructionHash(form: AnswerForm): string {
  const { body } = judgeQuestion("", { question: "", answer: "", response: "" }, form);
  return createHash("sha256").update(body).digest("hex");
}

/**
 * The score in an answer, as JSON or in the instruction's own form `{score: 0.5}`; undefined unless there is exactly one, in
 * [0, 1]. Nothing is repaired: "1/1", "100" or a number outside the braces is no verdict.
 */
export function readVerdict(answer: string): number | undefined {
  const [match, ...more] = [...answer.matchAll(/\{\s*["']?score["']?\s*:\s*([^{}]*?)\s*\}/gi)];
  if (!match || more.length > 0 || !/^\d+(?:\.\d+)?$/.test(match[1]!)) return undefined;
  const score = Number(match[1]);
  return score <= 1 ? score : undefined;
}
