/** @file Two processes that train together, as one would: `grit train --processes 2`. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLines, writeLines } from "../commands.ts";
import { scratchPlaces } from "../tiny.ts";
import { VARIETY } from "../variety.ts";
import {
  filesOf,
  logprobsApart,
  metricsOf,
  rolloutsOf,
  startTraining,
  trainedRun,
  weightsApart,
  writeRecipe,
  writeTrainingData,
} from "./processes.ts";

const place = scratchPlaces();

test("two train as one does, and one goes on where they have stopped: the same rollouts, held-out answers, files, losses and weights", async () => {
  const dir = place();
  await writeTrainingData(dir);
  const [train, held, out] = ["train", "held", "out"].map((name) => join(dir, `${name}.jsonl`));
  // Each of two is asked by another rank.
  const lines = readLines<object>(train!);
  writeLines(held!, lines.slice(0, 4));
  writeLines(
    out!,
    lines.slice(2).map((line, i) => ({ ...line, id: `out-${i}` })),
  );
  const recipe = (steps: number) =>
    writeRecipe(
      join(dir, `${steps}.yaml`),
      dir,
      "tied",
      // Rank 0 has three prompts, and as many micro-batches, rank 1 two.
      `steps: ${steps}\nprompts_per_step: 5\nmicro_batch_tokens: 1\noptimizer: { lr: 1.0e-4, schedule: constant }\n` +
        "save: { every: 3 }\neval: { every: 2 }\n" +
        `data: { train: [${train}], eval: { held: ${held}, out: ${out} } }`,
    );
  const both = async () => {
    const run = await trainedRun(recipe(3), place(), "--processes", "2");
    return trainedRun(recipe(4), run, "--resume");
  };
  const [one, two] = await Promise.all([trainedRun(recipe(4), place()), both()]);
  expect(rolloutsOf(two)).toEqual(rolloutsOf(one));
  expect(logprobsApart(two, one)).toBeLessThan(2e-4);
  expect(filesOf(two)).toEqual(filesOf(one));
  for (const step of [2, 4]) {
    const answers = (run: string) => readLines<object>(join(run, `eval/step-${step}/samples.jsonl`));
    expect(answers(one)).toHaveLength(8);
    expect(answers(two)).toEqual(answers(one));
    expect(metricsOf(two)[step - 1]!.heldOut).toEqual(metricsOf(one)[step - 1]!.heldOut);
  }
  for (const [i, { loss, kl, gradNorm }] of metricsOf(two).entries()) {
    const alone = metricsOf(one)[i]!;
    expect(Math.abs(loss! - alone.loss!)).toBeLessThan(1e-6);
    expect(Math.abs(kl! - alone.kl!)).toBeLessThan(1e-6);
    expect(gradNorm! / alone.gradNorm!).toBeCloseTo(1, 5);
  }
  expect(weightsApart(two, one, 4).moved).toBeLessThan(1e-5);
}, 120_000);

test("steps that are not finite roll back all of two, who end by one message and go on as if they had never been", async () => {
  const dir = place();
  await writeTrainingData(dir);
  // The first of them scores 16 rollouts a step: those from step 4 on are beyond what advantages hold.
  const overflow = "(globalThis.judged = (globalThis.judged ?? 0) + 1) > 48 ? 1.7e308 : ";
  writeFileSync(join(dir, "overflow.mjs"), VARIETY.replace("=> ", `=> ${overflow}`));
  const recipe = (rewards: string) =>
    writeRecipe(
      join(dir, `${rewards}.yaml`),
      dir,
      "tied",
      `steps: 7\nrewards: { custom: [${join(dir, rewards)}.mjs] }\noptimizer: { lr: 1.0e-4, schedule: constant }`,
    );
  const run = place();
  const failed = await startTraining(recipe("overflow"), run, "--processes", "2").end;
  expect(failed.code, failed.output).toBe(2);
  expect(failed.output).toMatch(
    /^error: Steps 4 to 6 were not finite \(advantage, loss, gradient\); .*\n.*rolled back to .*step-3\. Lower .*rewards\.custom/m,
  );
  expect(failed.output.match(/were not finite/g)).toHaveLength(1);
  expect(readdirSync(join(run, "checkpoints"))).toEqual(["step-3"]);
  const [alone] = await Promise.all([
    trainedRun(recipe("variety"), place()),
    trainedRun(recipe("variety"), run, "--resume", "--processes", "2"),
  ]);
  expect(metricsOf(run).map(({ step, skipped }) => [step, skipped])).toEqual([1, 2, 3, 4, 5, 6, 7].map((i) => [i, 0]));
  expect(rolloutsOf(run)).toEqual(rolloutsOf(alone));
  expect(weightsApart(run, alone, 7).moved).toBeLessThan(1e-5);
}, 120_000);
