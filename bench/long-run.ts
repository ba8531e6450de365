/** @file Makes up the folder of a long run: 10,000 steps of 128 chains unless told otherwise, on one rendered image. Seeded. */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { Metrics, RolloutLine } from "../src/run/lines.ts";
import { type Random, stream } from "../src/util/random.ts";

export interface LongRun {
  readonly steps: number;
  readonly groups: number;
  readonly groupSize: number;
}

/** As many chains a step as the paper's recipe has. */
export const LONG: LongRun = { steps: 10_000, groups: 32, groupSize: 4 };

const WIDTH = 640;
const HEIGHT = 480;
/** Steps whose chains differ; the others repeat them under their own numbers. */
const DIFFERENT = 16;
const DATASETS = ["vsr", "tallyqa"];

/** Writes the run into `dir`, which is made. */
export async function writeLongRun(dir: string, { steps, groups, groupSize }: LongRun = LONG): Promise<void> {
  const random = stream(11, "long run");
  for (const folder of ["rollouts", "images"]) mkdirSync(join(dir, folder), { recursive: true });
  const recipe = { model: "made-up", method: "grit", steps, seed: 11, prompts_per_step: groups, group_size: groupSize };
  writeFileSync(join(dir, "run.json"), JSON.stringify({ recipe, seed: 11 }));
  const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: "#8fa6b5" } })
    .png()
    .toBuffer();
  const image = `images/${createHash("sha256").update(png).digest("hex")}.png`;
  writeFileSync(join(dir, image), png);

  const drawn = Array.from({ length: DIFFERENT }, (_, i) =>
    Array.from({ length: groups }, (_, group) =>
      Array.from({ length: groupSize }, () => chain(group, i, image, random)),
    ).flat(),
  );
  const texts = drawn.map((lines) => lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  for (let step = 1; step <= steps; step++) {
    const text = texts[step % DIFFERENT]!.replaceAll('{"step":0,', `{"step":${step},`);
    writeFileSync(join(dir, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`), text);
    appendFileSync(join(dir, "metrics.jsonl"), `${JSON.stringify(metricsOf(step, steps, random))}\n`);
  }
}

/** A chain of about the length of a 3B model's: 150 tokens. */
function chain(group: number, variant: number, image: string, random: Random): RolloutLine {
  let text = "<think> Looking at the picture, ";
  const boxes: RolloutLine["boxes"] = [];
  for (let i = 0; i < 3; i++) {
    const [x, y] = [random.int(0, 500), random.int(0, 380)];
    const box: [number, number, number, number] = [x, y, x + random.int(20, 120), y + random.int(20, 90)];
    const written = `[${box.join(", ")}]`;
    text += "there is something that the question may speak of at ";
    boxes.push({
      box,
      start: text.length,
      end: text.length + written.length,
      duplicate: false,
      degenerate: false,
      outOfBounds: false,
    });
    text += `${written}, and `;
  }
  text += `that is all. </think>\n<rethink> Variant ${variant} of group ${group}. </rethink>\n<answer> ${random.int(0, 4)}`;
  const answer = Number(random.chance(0.6));
  const terms = { answer, bleu: answer * 0.1, grounding: random.float(), think_format: 1 };
  const tokens = Array.from({ length: 150 }, () => random.int(0, 150_000));
  return {
    step: 0,
    group,
    id: `train-${group}`,
    dataset: DATASETS[group % 2]!,
    image,
    width: WIDTH,
    height: HEIGHT,
    question: `How many things are there in picture ${group}?`,
    answer: "3",
    text,
    ids: tokens,
    logprobs: tokens.map(() => -Math.round(random.float() * 1e4) / 1e4),
    boxes,
    terms,
    total: Object.values(terms).reduce((sum, score) => sum + score, 0),
    advantage: random.float() * 2 - 1,
    ending: "stop",
  };
}

function metricsOf(step: number, steps: number, random: Random): Metrics {
  const skill = 1 / (1 + Math.exp(-8 * (step / steps - 0.4)));
  const noisy = (value: number) => value + (random.float() - 0.5) * 0.1;
  const terms = {
    answer: noisy(0.4 + 0.4 * skill),
    bleu: noisy(0.06),
    grounding: noisy(0.8 * skill),
    think_format: noisy(0.9),
  };
  const seconds = { sample: noisy(20), reward: noisy(0.2), score: noisy(4), train: noisy(18) };
  return {
    step,
    reward: { mean: Object.values(terms).reduce((a, b) => a + b), std: noisy(0.6), terms },
    accuracy: terms.answer,
    giou: noisy(0.7 * skill),
    wellFormed: noisy(0.9),
    boxes: { perChain: noisy(2), duplicate: noisy(0.05), degenerate: 0, outOfBounds: noisy(0.02) },
    length: { mean: noisy(150), max: noisy(400) },
    ending: { stop: 1, length: 0 },
    unscored: 0,
    advantage: { absMean: noisy(0.7), effectiveGroups: noisy(0.8) },
    loss: noisy(0.01),
    kl: noisy(0.1 * skill),
    entropy: noisy(0.5 - 0.3 * skill),
    clipFraction: 0,
    gradNorm: noisy(1),
    skipped: 0,
    lr: 2e-6,
    mismatch: { mean: 1e-4, max: 0.05 },
    tokensPerSecond: noisy(900),
    seconds: { ...seconds, total: Object.values(seconds).reduce((a, b) => a + b) },
    rssMB: 9000,
  };
}
