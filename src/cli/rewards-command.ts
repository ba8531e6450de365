/** @file `grit rewards`: explains the score of given completions, term by term. */
import { Command } from "commander";
import { explainRewards, readRollouts } from "../jobs/rewards-file.ts";
import { openJudge } from "../judge/open.ts";
import { presetName, presetNames, rewardPreset } from "../rewards/preset.ts";
import { Progress } from "../util/progress.ts";
import { interruptibly, NOTHING_WRITTEN } from "./interrupts.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { checkOut, writeRows } from "./result-file.ts";

/** The command `rewards`. Each line gives `{id, terms, total}`, with `reasons` where a term is null. */
export function rewardsCommand(): Command {
  const command = new Command("rewards")
    .description("explain the score of given completions, term by term")
    .requiredOption(
      "--data <file>",
      "JSON lines: question, answer, dataset, completion; or what grit generate, grit eval or a run (its rollouts) has " +
        "written; completion_ids for the repetition term; width and height of " +
        "the image, and frame [w, h] where the boxes are in a resized image's pixels ([1000, 1000] for 0-1000 boxes); " +
        "choices and answer_type for the judge",
    )
    .requiredOption("--out <file>", "JSON lines to write: id, terms, total")
    .option("--preset <name>", `rewards to explain: ${presetNames.join(" or ")}`, "paper")
    .action(async (options: { data: string; out: string; preset: string; judge: string }) => {
      const preset = presetName(options.preset);
      const settings = await judgeSettings(options.judge);
      checkOut(options.out, options.data);
      const rollouts = await readRollouts(options.data);
      const rows = await interruptibly(NOTHING_WRITTEN, async (signal) => {
        const rewards = rewardPreset(preset, await openJudge(settings, { signal }));
        const progress = new Progress({ label: "rewards", total: rollouts.length });
        const explained = await explainRewards(rollouts, rewards, (done) => progress.update(done));
        progress.finish();
        return explained;
      });
      writeRows(options.out, rows);
      const open = rows.filter((row) => row.total === null).length;
      console.log(
        `${rows.length} completions scored into ${options.out}${open > 0 ? `; ${open} without a total` : ""}`,
      );
    });
  return addJudgeOption(command);
}
