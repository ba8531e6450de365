/** @file `--judge`: who judges answers, and what that cost. */
import type { Command } from "commander";
import type { z } from "zod";
import {
  EVAL_ONLY,
  type EvalJudgeSettings,
  evalJudgeNames,
  evalJudgeSchema,
  type JudgeSettings,
  judgeNames,
  judgeSchema,
} from "../config/judge-settings.ts";
import { loadYaml } from "../config/yaml.ts";
import type { Cost } from "../judge/judge.ts";
import { nearest, UserError } from "../util/errors.ts";
import { under } from "./option-groups.ts";

/** Adds `--judge` to a command; `judgeSettings` reads its value. */
export function addJudgeOption(command: Command, names: readonly string[] = judgeNames): Command {
  return under(command, "scoring").option(
    "--judge <judge>",
    `who judges answers: ${names.join(", ")}, or a YAML file with the keys of a recipe's section judge`,
    "exact",
  );
}

/** The settings that a value of `--judge` names. @throws UserError on an unknown name, or faults in the file */
export function judgeSettings(named: string): Promise<JudgeSettings> {
  return settingsBy(judgeSchema, judgeNames, named);
}

/** As `judgeSettings`, for an evaluation. */
export function evalJudgeSettings(named: string): Promise<EvalJudgeSettings> {
  return settingsBy(evalJudgeSchema, evalJudgeNames, named);
}

async function settingsBy<T>(schema: z.ZodType<T>, names: readonly string[], named: string): Promise<T> {
  if (isJudgeFile(named)) return await loadYaml(named, schema, { paths: ["openai.cache", "openai.ledger"] });
  if (names.includes(named)) return schema.parse({ name: named });
  if (evalJudgeNames.some((known) => known === named))
    throw new UserError(`--judge ${named} ${EVAL_ONLY}`, `Use ${names.join(" or ")} here.`);
  const guess = nearest(named, names);
  throw new UserError(
    `there is no judge "${named}"`,
    guess ? `did you mean ${guess}?` : `judges are ${names.join(", ")}, or a YAML file`,
  );
}

/** Whether a value names a YAML file. */
export function isJudgeFile(named: string | undefined): named is string {
  return named !== undefined && /\.ya?ml$/.test(named);
}

/** Prints the cost of a service, if one was asked; cached verdicts are free. */
export function printCost(model: string | undefined, cost: Cost | undefined): void {
  if (model === undefined || !cost) return;
  const { input, output, usd } = cost;
  const [asked, answered] = [input, output].map((tokens) => tokens.toLocaleString("en"));
  const price = usd === undefined ? "no openai.price to say what that costs" : `$${usd.toFixed(4)}`;
  console.log(`judge ${model}: ${asked} tokens asked, ${answered} answered, ${price}`);
}
