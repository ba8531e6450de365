/** @file `--judge`: who judges answers. */
import type { Command } from "commander";
import { nearest, UserError } from "../errors.ts";
import { type JudgeSettings, judgeNames, judgeSchema } from "../judge_settings.ts";
import { loadYaml } from "../yaml.ts";

/** Adds `--judge` to a command; `judgeSettings` reads its value. */
export function addJudgeOption(command: Command): Command {
  return command.option(
    "--judge <judge>",
    `who judges answers: ${judgeNames.join(", ")}, or a YAML file with the keys of a recipe's section judge`,
    "exact",
  );
}

/** The settings that a value of `--judge` names. @throws UserError on an unknown name, or faults in the file */
export async function judgeSettings(named: string): Promise<JudgeSettings> {
  if (/\.ya?ml$/.test(named)) return await loadYaml(named, judgeSchema, { paths: ["openai.cache", "openai.ledger"] });
  const name = judgeNames.find((known) => known === named);
  if (name) return judgeSchema.parse({ name });
  const guess = nearest(named, judgeNames);
  throw new UserError(
    `there is no judge "${named}"`,
    guess ? `did you mean ${guess}?` : `judges are ${judgeNames.join(", ")}, or a YAML file`,
  );
}
