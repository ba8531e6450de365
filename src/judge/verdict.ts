/** @file What a language model is asked about an answer, and how its verdict is read. */

import { createHash } from "node:crypto";
import type { OpenAISettings } from "../config/judge-settings.ts";
import { chatRequest } from "./chat-request.ts";
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
  settings: Pick<OpenAISettings, "model" | "request">,
  { question, answer, response, choices = [] }: JudgeRequest,
  form: AnswerForm,
): Question {
  const options = listsAll(question, choices) ? "" : choices.map((choice, i) => `\n(${letter(i)}) ${choice}`).join("");
  const content = `${INSTRUCTION}\nQuestion: ${question}${options}\nStandard answer: ${answer}\nModel's answer: ${response}`;
  return chatRequest(settings, {
    messages: [{ role: "user", content }],
    max_tokens: MAX_TOKENS,
    ...(form === "json_schema" && { response_format: responseFormat }),
  });
}

/** SHA-256, hex, of all that a request says whatever is judged: the instruction, the schema, the limits. */
export function instructionHash({ request }: Pick<OpenAISettings, "request">, form: AnswerForm): string {
  const { body } = judgeQuestion({ model: "", request }, { question: "", answer: "", response: "" }, form);
  return createHash("sha256").update(body).digest("hex");
}

/** Words of an answer that shows what a verdict looks like, or says that there is none. */
const NO_VERDICT = /\b(can ?not|can['’]t|unable|example|e\.g|for instance|would|could|in the form|format|template)\b/i;

/** A score and what follows it: the end of its object, or another key. */
const SCORE = /(?<!\w)["']?score["']?\s*:\s*([^\s,{}]{0,40})(?=\s*(?:\}|,\s*["']?\w+["']?\s*:))/gi;

/**
 * The score in an answer, as JSON or in the instruction's own form `{score: 0.5}`, with or without other keys and words around it;
 * undefined unless there is exactly one, in [0, 1]. Nothing is repaired: "1/1", "100" or a number outside the braces is no verdict,
 * and neither is one that the words around it call an example.
 */
export function readVerdict(answer: string): number | undefined {
  // One blank for many: an answer of blanks without end takes no longer than another.
  const said = answer.normalize("NFKC").replace(/[“”]/g, '"').replace(/\s+/g, " ");
  const [object, ...more] = (said.match(/\{[^{}]*\}/g) ?? []).filter((each) => /\bscore\b/i.test(each));
  if (!object || more.length > 0) return undefined;
  const [match, ...others] = [...object.matchAll(SCORE)];
  if (!match || others.length > 0 || !/^\d+(?:\.\d+)?$/.test(match[1]!)) return undefined;
  if (NO_VERDICT.test(said.replace(match[0], " "))) return undefined;
  const score = Number(match[1]);
  return score <= 1 ? score : undefined;
}
