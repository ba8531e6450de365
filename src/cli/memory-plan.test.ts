import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dataLine, goldenLines, grit, writeImage, writeLines } from "../../test/commands.ts";
import { scratch } from "../../test/tiny.ts";
import { memoryTable } from "./memory-plan.ts";

const recipe = "qwen2.5-vl-3b-grit20";

it("a plan needs neither weights nor data, and says the peak in a line of its own", async () => {
  const { code, out } = await grit("train", recipe, "--plan", "--card", "80GB");
  expect(code).toBe(0);
  expect(out).toMatch(/^moments +30\.0$/m);
  expect(out).toMatch(/^peak 69\.\d GB$/m);
  expect(out).toMatch(/^available 84\.9 GB$/m);
});

it("a plan for several cards says how long a step takes, and what each of them sends", async () => {
  const planned = async (...more: string[]) => {
    const { code, out, err } = await grit("train", recipe, "--plan", "--card", "80GB", ...more);
    expect(code, err).toBe(0);
    return out;
  };
  const seconds = (out: string) => Number(/^about (\d+\.\d) s/m.exec(out)![1]);
  const [one, eight] = [await planned(), await planned("--processes", "8")];
  expect(one).toMatch(/^about \d+\.\d s$/m);
  expect(seconds(one) / seconds(eight)).toBeGreaterThan(3);
  // 3.75 billion parameters: a gradient in float32, but for the tower's of 0.67 billion after each of four micro-batches, and a weight
  // in bfloat16 to seven eighths of the others.
  expect(eight).toMatch(/s; each card sends 58\.6 GB$/m);
  expect(eight).toMatch(/^with 1000 tokens a completion, 300 TFLOP\/s, .* 150 GB\/s between cards: see docs/m);
});

it("what does not fit is refused with the keys that help, and the peak that each gives", async () => {
  const { code, err } = await grit("train", recipe, "--plan", "--card", "24GB", "activation_checkpointing=false");
  expect(code).toBe(2);
  expect(err).toMatch(/That is more than there is: 25\.5 GB, of which a twentieth is kept free\./);
  for (const key of [
    "micro_batch_tokens=4096",
    "activation_checkpointing=true",
    "lora.rank=16",
    "offload.optimizer=true",
  ])
    expect(err).toMatch(new RegExp(`^ +${key.replaceAll(".", "\\.")}: peak \\d+\\.\\d+ GB$`, "m"));
});

it("a card without a plan, and a model that nobody knows, are refused", async () => {
  expect((await grit("train", recipe, "--card", "80GB")).err).toMatch(/Add --plan/);
  const unknown = await grit("train", recipe, "--plan", "--card", "80GB", "model=some/model");
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringMatching(/The shapes of some\/model are not known/)]);
});

it("a run that cannot fit ends before anything is opened or written", async () => {
  const [dir, golden] = [scratch(), goldenLines("tied")[0]!];
  await writeImage(dir, golden.image);
  const data = writeLines(join(dir, "data.jsonl"), [{ ...dataLine(golden), answer: "yes" }]);
  const run = join(dir, "run");
  const large = ["prompts_per_step=2000", "micro_batch_tokens=8000000", `data.train=[${data}]`];
  const { code, err } = await grit("train", "tiny", "--run", run, ...large);
  expect([code, err]).toEqual([2, expect.stringMatching(/more than there is/)]);
  expect(existsSync(run)).toBe(false);
});

it("what takes nothing is not shown", () => {
  const none = {
    weights: 2e7,
    reference: 0,
    moments: 0,
    gradients: 0,
    features: 0,
    training: 0,
    vision: 0,
    sampling: 3e8,
  };
  const shown = memoryTable({ ...none, peak: 3.2e8, available: 1e10 });
  expect(shown.split("\n").slice(2)).toEqual([
    expect.stringMatching(/^weights.* 0\.02$/),
    expect.stringMatching(/^sampling.* 0\.30$/),
    "peak 0.32 GB",
    "available 10.0 GB",
  ]);
});
