/** @file A training whose judge turns strict or lenient midway: the alarm rings within a few steps in metrics and report, and not before. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import type { MetricsLine } from "../../src/run/lines.ts";
import { train } from "../../src/train.ts";
import { grit } from "../commands.ts";
import { DEVICE } from "../device.ts";
import { type Behaviour, JudgeServer, type Received, USAGE } from "../judge-server.ts";
import { scratch } from "../tiny.ts";
import { VARIETY } from "../variety.ts";

const dir = scratch();
const server = new JudgeServer();
beforeAll(async () => {
  await server.start();
  process.env.GRIT_TEST_KEY = "k";
});
afterAll(() => server.stop());

const verdict = (score: number): Behaviour => ({
  body: { choices: [{ message: { content: JSON.stringify({ score }) }, finish_reason: "stop" }], usage: USAGE },
});

function honest({ text }: Received): Behaviour {
  const [, standard, given] = /Standard answer: (.*)\nModel's answer: (.*)$/s.exec(text)!;
  return verdict(Number(standard!.toLowerCase() === given!.trim().toLowerCase().replace(/\.$/, "")));
}

/** A short training by a judge that is honest for four steps, and then says the same of every answer. */
async function trainUnder(turned: number): Promise<{ run: string; lines: readonly MetricsLine[] }> {
  server.behave = honest;
  const recipe = join(dir, `${turned}.yaml`);
  writeFileSync(
    recipe,
    `model: ${fileURLToPath(new URL("../../models/grit-tiny-base", import.meta.url))}
method: grit
data: { train: [scenes/vsr_train_24.jsonl] }
rewards: { custom: [variety.mjs] }
judge: { name: openai, openai: { base_url: ${server.url}, key_env: GRIT_TEST_KEY, cache: verdicts-${turned} } }
steps: 9
prompts_per_step: 2
group_size: 4
sampling: { temperature: 1, max_tokens: 120 }
loss: { beta: 0 }
lora: { rank: 2 }
device: ${DEVICE}
save: { every: 9 }
`,
  );
  const lines: MetricsLine[] = [];
  const run = join(dir, `run-${turned}`);
  await train(await loadRecipe(recipe), {
    run,
    onStep: (line) => {
      lines.push(line);
      if (line.step === 4) server.behave = () => verdict(turned);
    },
  });
  return { run, lines };
}

beforeAll(async () => {
  await renderSets({ out: join(dir, "scenes"), seed: 1, counts: { train: 24, val: 0 } });
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
});

it.each([
  [
    "wrong",
    0,
    /^100 % of the answers that are right by the rule exact are called wrong by the judge in steps 5 to 8, 0 % in steps 1 to 4\.$/,
  ],
  [
    "right",
    1,
    /^100 % of the answers that the rule exact refutes are called right by the judge in steps 5 to 8, 0 % in steps 1 to 4\.$/,
  ],
])("rings for a judge that from step 5 on calls everything %s", async (_, turned, message) => {
  const { run, lines } = await trainUnder(turned);
  const drifts = lines.flatMap(({ step, alarms = [] }) =>
    alarms.flatMap((alarm) => (alarm.name === "judge-drift" ? { step, ...alarm } : [])),
  );
  // Not sooner: eight steps are four to begin with, and four to compare with them.
  expect(drifts.map(({ step }) => step)).toEqual([8, 9]);
  expect(drifts[0]).toMatchObject({
    since: 8,
    message: expect.stringMatching(message),
    remedy: expect.stringContaining("judge.openai.model"),
  });
  expect((await grit("report", run)).code).toBe(0);
  expect(readFileSync(join(run, "report.html"), "utf8")).toContain('<th scope="row">judge-drift</th>');
});
