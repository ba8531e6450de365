/**
 * @file The judge `exact` against MathVista's own right/wrong labels: 1,000 responses of ChatGPT to its testmini questions.
 * The file is MathVista's `results/chatgpt/output_chatgpt.json`, in `mathvista/` of the folder that GRIT_DATA names;
 * without it the test is skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { exactJudge } from "./exact.ts";

interface Row {
  readonly pid: string;
  readonly question: string;
  readonly choices: readonly string[] | null;
  readonly answer: string;
  readonly answer_type: string;
  readonly response: string;
  /** What MathVista's extraction made of the response. */
  readonly extraction?: string;
  /** Absent where MathVista has not labelled the response. */
  readonly true_false?: boolean;
}

/** MathVista takes the nearest option by spelling for what it could not read, also where the response refuses: these labels say nothing. */
function isGuessed({ extraction = "", choices }: Row): boolean {
  const letter = /^[A-Z]$/.test(extraction) ? extraction.charCodeAt(0) - 65 : -1;
  const noAnswer = /^(?:N\/A|None\b|Not provided|Cannot be determined|The correct option is not provided)/.test(
    extraction,
  );
  return noAnswer || letter >= (choices?.length ?? 26);
}

const file = join(process.env.GRIT_DATA ?? "", "mathvista/output_chatgpt.json");

it.skipIf(!existsSync(file))("exact agrees with MathVista on 99 % of the responses that it could read", async () => {
  const rows = Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, Row>);
  const labelled = rows.filter((row) => row.true_false !== undefined);
  expect(labelled.length).toBe(998);
  const read = labelled.filter((row) => !(row.true_false && isGuessed(row)));
  expect(labelled.length - read.length).toBe(23);
  const wrong: string[] = [];
  for (const { pid, question, choices, answer, answer_type, response, extraction, true_false } of read) {
    const request = { question, answer, response, choices: choices ?? undefined, answerType: answer_type };
    const right = (await exactJudge.judge(request)) === 1;
    if (right !== true_false)
      wrong.push(
        `${pid}: labelled ${true_false ? "right" : "wrong"}; wanted ${answer}, MathVista read "${extraction}"`,
      );
  }
  const agreement = 1 - wrong.length / read.length;
  console.log(`agrees on ${(100 * agreement).toFixed(1)} % of ${read.length}; not on:\n${wrong.join("\n")}`);
  expect(agreement).toBeGreaterThanOrEqual(0.99);
});
