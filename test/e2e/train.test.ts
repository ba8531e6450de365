/**
 * @file Whole training runs over a tiny checkpoint and four rendered samples: broken off and resumed, interrupted,
 * refused, and with what a user may add.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { SafetensorsFile } from "../../src/torch/safetensors.ts";
import { liveTensors } from "../../src/torch/tensor.ts";
import { train } from "../../src/train.ts";
import { DEVICE } from "../device.ts";
import { loadGolden } from "../golden/golden.ts";
import { differing, scratch } from "../tiny.ts";
import { VARIETY } from "../variety.ts";

const dir = scratch();
const recipeFile = join(dir, "recipe.yaml");
const unbroken = join(dir, "unbroken");
const STEPS = 8;
const SAVE_EVERY = 4;

beforeAll(async () => {
  await renderSets({ out: join(dir, "scenes"), seed: 1, counts: { train: 2, val: 0 } });
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
  writeFileSync(
    recipeFile,
    `model: ${loadGolden("tied").dir}
data: { train: [scenes/vsr_train_2.jsonl, scenes/tallyqa_train_2.jsonl] }
rewards: { custom: [variety.mjs] }
steps: ${STEPS}
prompts_per_step: 3
group_size: 4
sampling: { temperature: 1, max_tokens: 24 }
loss: { beta: 0.05 }
optimizer: { lr: 1.0e-3 }
image: { max_pixels: 12544 }
freeze: [vision, connector]
device: ${DEVICE}
precision: float32
save: { every: ${SAVE_EVERY}, keep: 10 }
`,
  );
  await train(await loadRecipe(recipeFile), { run: unbroken });
});

type Line = Record<string, unknown> & { step: number };
const linesOf = (run: string): Line[] => {
  const path = join(run, "metrics.jsonl");
  const whole = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  return whole.map((line) => JSON.parse(line) as Line);
};

/** Everything a run has written that may not depend on when or where it ran. */
function contentsOf(run: string, steps = STEPS) {
  const metrics = linesOf(run).map(({ seconds, tokensPerSecond, rssMB, ...line }) => line);
  const files = ["rollouts", `checkpoints/step-${steps}`].flatMap((folder) =>
    readdirSync(join(run, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  return { metrics, files: new Map(files.map((path) => [path.slice(run.length), readFileSync(path)])) };
}

function expectEqualRuns(run: string, wanted = contentsOf(unbroken), steps = STEPS): void {
  const is = contentsOf(run, steps);
  expect(is.metrics).toEqual(wanted.metrics);
  expect(differing(is.files, wanted.files)).toEqual([]);
}

const COMMAND = ["bin/grit.mjs", "train", recipeFile, "--run"];

/** Starts the command, sends it a signal once it has written so many lines, and gives back how it ended. */
async function signalled(run: string, lines: number, signal: "SIGKILL" | "SIGINT") {
  const child: ChildProcess = spawn(process.execPath, [...COMMAND, run], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr!.on("data", (text) => (errors += text));
  const ended = new Promise<{ code: number | null; by: string | null }>((resolve) =>
    child.on("close", (code, by) => resolve({ code, by })),
  );
  let sent = false;
  const watch = setInterval(() => {
    if (sent || linesOf(run).length < lines) return;
    sent = child.kill(signal);
  }, 5);
  const how = await ended;
  clearInterval(watch);
  return { ...how, errors };
}

describe("a run", () => {
  it("learns, and its two sides agree", () => {
    const lines = linesOf(unbroken);
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    for (const line of lines) {
      expect((line.mismatch as { max: number }).max).toBeLessThan(1e-4);
      expect(line.gradNorm).toBeGreaterThan(0);
      expect(line.skipped).toBe(0);
      expect(line.unscored).toBe(0);
      expect(line.reward).toMatchObject({ terms: { variety: expect.any(Number) } });
    }
    // The policy leaves its reference behind.
    expect(lines[0]!.kl).toBeCloseTo(0, 6);
    expect(lines.at(-1)!.kl).toBeGreaterThan(1e-4);
  });

  it("killed at once and resumed, it is the unbroken run, bit for bit", async () => {
    const run = join(dir, "killed");
    const { by, errors } = await signalled(run, SAVE_EVERY + 1, "SIGKILL");
    expect(by, errors).toBe("SIGKILL");
    expect(linesOf(run).length).toBeLessThan(STEPS);
    expect(existsSync(join(run, "checkpoints", `step-${SAVE_EVERY}`))).toBe(true);
    expect(existsSync(join(run, "checkpoints", `step-${STEPS}`))).toBe(false);
    await train(await loadRecipe(recipeFile), { run, resume: true });
    expectEqualRuns(run);
  });

  it("interrupted, it saves, says how to go on, exits 130; resumed, it is the unbroken run", async () => {
    const run = join(dir, "interrupted");
    const { code, errors } = await signalled(run, 2, "SIGINT");
    expect(code, errors).toBe(130);
    expect(errors).toMatch(/Interrupted after step \d+; the run is saved in .*interrupted\. Go on with --resume\./);
    const { step } = linesOf(run).at(-1)!;
    expect(step).toBeLessThan(STEPS);
    expect(existsSync(join(run, "checkpoints", `step-${step}`, "trainer", "state.safetensors"))).toBe(true);
    await train(await loadRecipe(recipeFile), { run, resume: true });
    expectEqualRuns(run);
  });

  it("is never begun over another: exit code 2, and nothing is touched", () => {
    const before = contentsOf(unbroken);
    const { status, stderr } = spawnSync(process.execPath, [...COMMAND, unbroken], { encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toContain(`${unbroken} already holds a run`);
    expect(stderr).toContain("--resume");
    expectEqualRuns(unbroken, before);
  });

  /** Trains in one go, and again broken off after three steps of four: the two must be the same. Gives the lines. */
  async function resumed(name: string, overrides: readonly string[]): Promise<Line[]> {
    const steps = 4;
    const recipe = await loadRecipe(recipeFile, [
      ...[`steps=${steps}`, "save.every=2", "sampling.max_tokens=12"],
      ...overrides,
    ]);
    const [whole, broken] = [join(dir, `${name}-whole`), join(dir, `${name}-broken`)];
    await train(recipe, { run: whole });
    for (const line of linesOf(whole)) {
      expect(line.gradNorm).toBeGreaterThan(0);
      expect([line.skipped, line.unscored]).toEqual([0, 0]);
    }
    expect(linesOf(whole)[0]!.kl).toBeCloseTo(0, 6);
    expect(linesOf(whole).at(-1)!.kl).toBeGreaterThan(1e-5);
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }) => step === 3 && controller.abort();
    await expect(train(recipe, { run: broken, signal: controller.signal, onStep })).rejects.toThrow(/Interrupted/);
    expect(linesOf(broken)).toHaveLength(3);
    await train(recipe, { run: broken, resume: true });
    expectEqualRuns(broken, contentsOf(whole, steps), steps);
    return linesOf(whole);
  }

  it.each(["internvl/tied", "internvl/original"])(
    "trains %s as well: broken off and resumed, it is the unbroken run",
    async (name) => {
      const lines = await resumed(name, [`model=${loadGolden(name).dir}`, "image={max_tiles: 2}"]);
      for (const { mismatch } of lines) expect((mismatch as { max: number }).max).toBeLessThan(1e-4);
    },
  );

  it("trains an adapter, dropout and all: broken off and resumed, it is the unbroken run", async () => {
    const lora = "lora={ rank: 4, alpha: 8, dropout: 0.1, parts: [vision, language] }";
    const lines = await resumed("adapter", [lora, "freeze=[]", "optimizer.lr=1.0e-2"]);
    // Sampling drops nothing, training does, which shows once the adapter has left zero.
    expect((lines.at(-1)!.mismatch as { max: number }).max).toBeGreaterThan(1e-4);
    const saved = readdirSync(join(dir, "adapter-whole", "checkpoints", "step-4"));
    expect(saved).toContain("adapter_model.safetensors");
    expect(saved).not.toContain("model.safetensors");
  });

  it("takes several updates of the clipped form from one batch of rollouts", async () => {
    const recipe = await loadRecipe(recipeFile, [
      "steps=2",
      "loss.form=clipped",
      "loss.updates_per_rollout=3",
      "loss.epsilon_low=0.05",
      "loss.epsilon_high=0.05",
    ]);
    const run = join(dir, "clipped");
    await train(recipe, { run });
    for (const line of linesOf(run)) {
      // The gap is that of the first update, before which nothing has moved; later ones are clipped here and there.
      expect((line.mismatch as { max: number }).max).toBeLessThan(1e-4);
      expect(line.clipFraction).toBeGreaterThan(0);
      expect(line.clipFraction).toBeLessThan(1);
    }
    const state = new SafetensorsFile(join(run, "checkpoints/step-2/trainer/state.safetensors"));
    expect(state.metadata).toMatchObject({ steps: "6" });
  });

  it("holds no more tensors and bytes after 50 steps than after its first epoch", async () => {
    const recipe = await loadRecipe(recipeFile, [
      "steps=50",
      "prompts_per_step=2",
      "group_size=2",
      "sampling.max_tokens=6",
      "save.every=20",
    ]);
    const before = liveTensors();
    const seen: ReturnType<typeof liveTensors>[] = [];
    await train(recipe, { run: join(dir, "long"), onStep: () => seen.push(liveTensors()) });
    expect(seen).toHaveLength(50);
    // Two steps see all four images; their features are remembered from then on.
    expect(new Set(seen.slice(1).map((now) => JSON.stringify(now)))).toEqual(new Set([JSON.stringify(seen[1])]));
    expect(liveTensors()).toEqual(before);
  });
});
