/** @file The figures of a check, a line each: the same in the terminal and on the page. */

import type { RecipeCheck } from "../check-result.ts";
import { bytes } from "../util/quantities.ts";
import { duration, percent } from "./number-format.ts";

/** What it is about, and the figures. */
export function checkFacts(check: RecipeCheck): (readonly [string, string])[] {
  const { groups, teaching, memory, disk, seconds, judge } = check;
  const members = groups[0]!.length;
  const count = (n: number) => n.toLocaleString("en");
  return [
    ["data", `${count(check.samples)} samples with ${count(check.images)} images; all decode`],
    [
      "prompts",
      `the longest has ${count(check.longestPrompt)} tokens; the model takes ${count(check.contextLength)} in all`,
    ],
    [
      "rollouts",
      `${groups.length * members} in groups of ${members}: ${percent(check.inForm)} % in form, ${percent(check.cutOff)} % cut off`,
    ],
    ["groups that teach", `${Math.round(teaching * groups.length)} of ${groups.length}`],
    [
      "judge",
      judge
        ? `${judge.model}: at most ${count(judge.requests)} requests, ${count(judge.inputTokens)} tokens asked, ${count(judge.outputTokens)} answered, ${judge.usd === undefined ? "no judge.openai.price to say what that costs" : `$${judge.usd.toFixed(2)}`}`
        : "by rule; asks nobody",
    ],
    ["memory of a step", `${bytes(memory.peak)} of ${bytes(memory.available)}`],
    ["time", `about ${duration(seconds.step)} a step, ${duration(seconds.run)} in all`],
    ["disk", `${bytes(disk.needed)} for checkpoints, ${bytes(disk.free)} free`],
  ];
}
