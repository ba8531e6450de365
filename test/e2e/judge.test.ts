/**
 * @file Training runs whose judge is a service: it stops answering in the rewards of a step, or on the held-out set after a
 * step's update, and the run that is resumed equals the one that was never stopped.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { train } from "../../src/train.ts";
import { Interrupted, UserError } from "../../src/util/errors.ts";
import { DEVICE } from "../device.ts";
import { JudgeServer } from "../judge-server.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const server = new JudgeServer();
const STEPS = 3;

beforeAll(async () => {
  process.env.GRIT_TEST_KEY = "secret-key";
  await server.start();
  await renderSets({ out: join(dir, "scenes"), seed: 1, counts: { train: 6, val: 2 } });
  writeFileSync(
    join(dir, "recipe.yaml"),
    `model: ${process.cwd()}/models/grit-tiny-base
data: { train: [scenes/vsr_train_6.jsonl], eval: { gqa: scenes/gqa_val.jsonl } }
judge: { name: openai, openai: { base_url: ${server.url}, key_env: GRIT_TEST_KEY, patience: 0 } }
steps: ${STEPS}
prompts_per_step: 2
group_size: 2
sampling: { temperature: 1, max_tokens: 160 }
optimizer: { lr: 1.0e-4 }
freeze: [vision, connector]
device: ${DEVICE}
eval: { every: 2 }
save: { every: 10 }
`,
  );
});
afterAll(async () => {
  await server.stop();
  delete process.env.GRIT_TEST_KEY;
});

/** Each run has verdicts of its own: nothing is known from another. */
const recipe = (run: string) =>
  loadRecipe(join(dir, "recipe.yaml"), [`judge.openai.cache=${join(dir, "verdicts", run)}`]);

/** What a run has written that may not depend on when it ran. */
function contentsOf(run: string) {
  const lines = readFileSync(join(dir, run, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  const metrics = lines.map((line) => {
    const { seconds, tokensPerSecond, rssMB, ...rest } = JSON.parse(line) as Record<string, unknown>;
    return rest;
  });
  const texts = ["rollouts", "eval/step-2"].flatMap((folder) =>
    readdirSync(join(dir, run, folder)).map((name) => readFileSync(join(dir, run, folder, name), "utf8")),
  );
  return { metrics, texts };
}

beforeAll(async () => {
  await train(await recipe("whole"), { run: join(dir, "whole") });
});

it("scores by the service, in the rewards and on the held-out set", () => {
  expect(contentsOf("whole").metrics.map(({ unscored }) => unscored)).toEqual([0, 0, 0]);
  expect(server.received.length).toBeGreaterThan(STEPS);
  expect(readFileSync(join(dir, "whole/run.json"), "utf8")).not.toContain("secret-key");
});

it("is saved when the judge stops answering in a step, and goes on as if it had not", async () => {
  const run = join(dir, "in-step");
  const stopped = train(await recipe("in-step"), {
    run,
    onStep: ({ step }) => {
      if (step === 2) server.behave = () => ({ status: 503 });
    },
  });
  await expect(stopped).rejects.toBeInstanceOf(Interrupted);
  await expect(stopped).rejects.toThrow(
    /stopped answering \(HTTP 503.*\n.*Interrupted after step 2; the run is saved/s,
  );
  expect(readdirSync(join(run, "checkpoints"))).toEqual(["step-2"]);
  server.behave = () => "judge";
  await train(await recipe("in-step"), { run, resume: true });
  expect(contentsOf("in-step")).toEqual(contentsOf("whole"));
});

it("is saved when the judge stops answering on the held-out set, which is measured first when it goes on", async () => {
  const run = join(dir, "after-update");
  const heldOut = readFileSync(join(dir, "scenes/gqa_val.jsonl"), "utf8").trimEnd().split("\n");
  const questions = heldOut.map((line) => (JSON.parse(line) as { question: string }).question);
  let out = false;
  server.behave = ({ text }) => {
    out ||= questions.some((question) => text.includes(question));
    return out ? { status: 503 } : "judge";
  };
  await expect(train(await recipe("after-update"), { run })).rejects.toThrow(/Interrupted after step 2/);
  expect(readdirSync(join(run, "checkpoints"))).toEqual(["step-2"]);
  expect(existsSync(join(run, "eval"))).toBe(false);
  server.behave = () => "judge";
  await train(await recipe("after-update"), { run, resume: true });
  expect(contentsOf("after-update")).toEqual(contentsOf("whole"));
});

it("begins nothing with a key that is refused", async () => {
  server.behave = () => ({ status: 401, message: "no such key" });
  await expect(train(await recipe("refused"), { run: join(dir, "refused") })).rejects.toBeInstanceOf(UserError);
  expect(existsSync(join(dir, "refused"))).toBe(false);
});
