/** @file Studies over a tiny checkpoint of random weights: what they make is made once, shared, and the same after an interruption. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { judgeSchema } from "../../src/config/judge-settings.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { refuseMissing } from "../../src/reproduce/missing.ts";
import { fullSize, type Scale } from "../../src/reproduce/scale.ts";
import { studyNamed } from "../../src/reproduce/studies.ts";
import { planOf } from "../../src/reproduce/study-plan.ts";
import { KeptRuns, type RunsListener } from "../../src/reproduce/study-runs.ts";
import { printed, summaryOf, writeSummary } from "../../src/reproduce/study-summary.ts";
import { DEVICE } from "../device.ts";
import { loadGolden } from "../golden/golden.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const scenes = join(dir, "scenes");
const train = join(dir, "grit.yaml");
const pretrain = join(dir, "sft.yaml");
const exact = judgeSchema.parse({});
let scale: Scale;

beforeAll(async () => {
  await renderSets({ out: scenes, seed: 1, counts: { train: 20, val: 4 } });
  const common = `model: ${loadGolden("tied").dir}
freeze: [vision, connector]
image: { max_pixels: 12544 }
device: ${DEVICE}
prompts_per_step: 2
`;
  const sets = ["vsr", "tallyqa", "gqa", "mathvista_mini", "mme", "ovd_position"];
  const files = `train: [scenes/vsr_train_20.jsonl, scenes/tallyqa_train_20.jsonl]`;
  const held = `eval: {${sets.map((set) => `${set}: scenes/${set}_val.jsonl`).join(", ")}}`;
  const grit = "group_size: 2\nsampling: { max_tokens: 4 }\nsteps: 4\n";
  writeFileSync(train, `${common}${grit}data: { ${files}, ${held} }\n`);
  writeFileSync(pretrain, `${common}steps: 1\ndata: { ${files} }\n`);
  const more = ["vsr", "tallyqa"].map((set) => join(scenes, `${set}_train_20.jsonl`)) as [string, string];
  scale = {
    // Nothing is rendered for it.
    name: "full",
    family: "qwen",
    recipe: await loadRecipe(train),
    train,
    pretrain,
    set: {},
    seeds: [1],
    limit: 3,
    along: { large: [1, 2, 3, 4], small: [1, 2], long: 3 },
    more: { vsr: more[0], tallyqa: more[1], sizes: [30, 40] },
    probed: 3,
  };
});

/** Makes a study, or begins to. */
async function make(study: string, kept: string, listener: Partial<RunsListener> = {}) {
  const silent: RunsListener = {
    signal: new AbortController().signal,
    onTraining: () => () => {},
    onAsking: () => () => {},
  };
  const runs = new KeptRuns(join(dir, kept), scale, exact, { ...silent, ...listener });
  const findings = await studyNamed(study).run(runs);
  const found = [{ scale, findings }] as const;
  const summary = summaryOf(studyNamed(study), found);
  writeSummary(join(dir, kept, study), summary, found);
  return summary;
}

it("makes every model and answer once for all studies, and says what it has found", async () => {
  const trained: string[] = [];
  const onTraining: RunsListener["onTraining"] = (run) => {
    trained.push(run);
    return () => {};
  };
  const summary = await make("table1", "kept", { onTraining });
  expect(trained).toEqual(["sft-seed-1", "grit-seed-1"]);
  expect(summary.arms.map(({ name, seeds }) => [name, seeds])).toEqual([
    ["direct", 1],
    ["cot", 1],
    ["icl", 1],
    ["sft", 1],
    ["grit", 1],
  ]);
  expect(summary.arms[4]!.numbers["mean ACC"]).toMatchObject({ mean: expect.any(Number), low: expect.any(Number) });
  expect(JSON.parse(readFileSync(join(dir, "kept/table1/summary.json"), "utf8"))).toEqual(summary);
  expect(readFileSync(join(dir, "kept/table1/table.md"), "utf8")).toContain("| GRIT (paper) | 72.9 | 0.325 |");
  expect(printed(summary)).toContain("Of each set the first 3 samples.");

  const kept = statSync(join(dir, "kept/models/qwen/grit-seed-1/run.json")).mtimeMs;
  trained.length = 0;
  await make("steps", "kept", { onTraining });
  expect(trained).toEqual(["small-seed-1", "small-long-seed-1"]);
  expect(statSync(join(dir, "kept/models/qwen/grit-seed-1/run.json")).mtimeMs).toBe(kept);
});

it("gives the same numbers when it is interrupted at any time and run again", async () => {
  for (const after of ["training", "asking"] as const) {
    const stop = new AbortController();
    const interrupted = make("table3", "broken", {
      signal: stop.signal,
      onTraining: (run) => (metrics) => {
        if (after === "training" && run === "no-counting-seed-1" && metrics.step === 2) stop.abort(new Error("stop"));
      },
      onAsking: (arm) => (done) => {
        if (after === "asking" && arm === "no-counting-seed-1" && done > 3) stop.abort(new Error("stop"));
      },
    });
    await expect(interrupted).rejects.toThrow();
  }
  expect(readdirSync(join(dir, "broken"))).not.toContain("table3");
  expect(await make("table3", "broken")).toEqual(await make("table3", "whole"));
  const runOf = (name: string) =>
    JSON.parse(readFileSync(join(dir, "whole/models/qwen", `${name}-seed-1/run.json`), "utf8")).recipe;
  expect(runOf("no-count-reward").rewards.weights).toEqual({ counting: 0 });
  expect(runOf("no-counting").data).toMatchObject({ limit: 20, train: [scale.more.vsr] });
});

it("in full size names everything that is missing at once, and plans without it", async () => {
  const full = await fullSize("qwen");
  const refused = (study: string) => () => refuseMissing(studyNamed(study), full, exact);
  expect(refused("table1")).toThrow(
    /npx grit download Qwen\/Qwen2.5-VL-3B-Instruct[\s\S]*GRIT-20-Qwen[\s\S]*vsr_val.jsonl/,
  );
  expect(refused("correlation")).toThrow("a service that sees pictures");
  const plan = await planOf(studyNamed("steps"), full);
  // The paper's own run: 200 steps of 128 completions, 96 hours of A100; batches of 8 for 3,200 steps see as many.
  expect(plan).toMatch(/^grit +200 +25600 +\d+ GB +96\.0/m);
  expect(plan).toMatch(/^small-long +3200 +25600 +\d+ GB +96\.0/m);
});
