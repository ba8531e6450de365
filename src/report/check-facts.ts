/** @file The figures of a check, a line each: the same in the terminal, on its page and in the studio. */

import type { CheckFigures } from "../run/check-file.ts";
import { bytes } from "../util/quantities.ts";
import { duration, percent } from "./number-format.ts";

/** What it is about, and the figures. */
export function checkFacts(figures: CheckFigures): (readonly [string, string])[] {
  const { groups, groupSize, teaching, memory, disk, seconds, judge } = figures;
  const count = (n: number) => n.toLocaleString("en");
  return [
    ["data", `${count(figures.samples)} samples with ${count(figures.images)} images; all decode`],
    [
      "prompts",
      `the longest has ${count(figures.longestPrompt)} tokens; the model takes ${count(figures.contextLength)} in all`,
    ],
    [
      "rollouts",
      `${groups * groupSize} in groups of ${groupSize}: ${percent(figures.inForm)} % in form, ${percent(figures.cutOff)} % cut off`,
    ],
    ["groups that teach", `${Math.round(teaching * groups)} of ${groups}`],
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
