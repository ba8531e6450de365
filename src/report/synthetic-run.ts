/**
 * @file Makes up a run folder, for tests and for looking at the page without training: coloured blocks on a sheet, chains that
 * learn to write boxes, and texts that try to break out of the page. Seeded, so it is the same every time.
 */

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import type { Metrics, ReadAnswer, RolloutLine, Summary } from "../run/lines.ts";
import { type Random, stream } from "../util/random.ts";

/** A text that tries to break out of its place in the page. */
export const HOSTILE = `</script><script>alert("x")</script><img src=x onerror='alert(1)'> & "quoted" \`\${tick}\``;

type Quad = [number, number, number, number];

const SETS = ["vsr", "tallyqa", "gqa", "mme", "mathvista", "ovd"];
const TRAINED = ["vsr", "tallyqa"];
const WIDTH = 200;
const HEIGHT = 160;

interface Scene {
  readonly image: string;
  readonly objects: readonly Quad[];
}

/** Writes a whole run of `steps` steps and `perSet` held-out samples a set into `dir`. */
export async function writeSyntheticRun(dir: string, options: { steps: number; perSet: number }): Promise<void> {
  const random = stream(7, "synthetic run");
  for (const folder of ["images", "rollouts", "eval/before", "eval/after"])
    await mkdir(path.join(dir, folder), { recursive: true });
  const json = (name: string, value: unknown) => writeFile(path.join(dir, name), JSON.stringify(value, null, 2));
  const lines = (name: string, values: readonly unknown[]) =>
    writeFile(path.join(dir, name), values.map((value) => `${JSON.stringify(value)}\n`).join(""));

  await json("run.json", {
    recipe: { name: "synthetic", method: "grit", steps: options.steps, lr: 1.5e-4, rewards: "paper" },
    seed: 7,
    versions: { "grit-ts": "0.1.0", libtorch: "2.13.0", node: "20.20.0" },
    git: { revision: "0123456789abcdef", dirty: false },
    data: { "train.jsonl": createHash("sha256").update("train").digest("hex") },
  });
  await lines(
    "metrics.jsonl",
    Array.from({ length: options.steps }, (_, i) => metricsAt(i + 1, options.steps, random)),
  );

  const prompts = await Promise.all(Array.from({ length: 4 }, () => scene(dir, random)));
  for (let step = 1; step <= options.steps; step++) {
    const skill = skillAt(step, options.steps);
    const chains = prompts.flatMap((prompt, group) => groupOf(prompt, group, step, skill, random));
    await lines(`rollouts/step-${String(step).padStart(6, "0")}.jsonl`, chains);
  }

  const scenes = await Promise.all(
    SETS.flatMap((set) =>
      Array.from({ length: options.perSet }, async (_, i) => ({ set, i, ...(await scene(dir, random)) })),
    ),
  );
  for (const [name, skill] of [
    ["before", 0.1],
    ["after", 0.9],
  ] as const) {
    await lines(
      `eval/${name}/samples.jsonl`,
      scenes.map(({ set, i, ...shown }) => answered(set, i, shown, skill, random)),
    );
  }
  await json("summary.json", summary());
}

/** Skill 0-1 over a run: nothing for a while, then a sudden rise, as such runs look. */
function skillAt(step: number, steps: number): number {
  return 1 / (1 + Math.exp(-12 * (step / steps - 0.5)));
}

function metricsAt(step: number, steps: number, random: Random): Metrics {
  const skill = skillAt(step, steps);
  const noisy = (value: number, noise: number) => Math.max(0, value + (random.float() - 0.5) * noise);
  const terms = {
    answer: noisy(0.5 + 0.35 * skill, 0.15),
    bleu: noisy(0.05 + 0.035 * skill, 0.01),
    structure: noisy(0.3 + 0.7 * skill, 0.1),
    boxes: noisy(0.5 * skill, 0.05),
    count: noisy(0.2 * skill, 0.03),
  };
  const seconds = { sample: noisy(1.1, 0.2), reward: 0.01, score: noisy(0.25, 0.05), train: noisy(1.3, 0.3) };
  return {
    step,
    seconds: { ...seconds, total: Object.values(seconds).reduce((a, b) => a + b) + 0.1 },
    reward: { mean: Object.values(terms).reduce((a, b) => a + b), std: noisy(0.5 - 0.3 * skill, 0.1), terms },
    accuracy: terms.answer,
    giou: step < 3 ? null : noisy(0.75 * skill, 0.06),
    wellFormed: Math.min(1, noisy(0.2 + 0.78 * skill, 0.06)),
    boxes: {
      perChain: noisy(2.4 * skill, 0.3),
      duplicate: noisy(0.05, 0.06),
      degenerate: noisy(0.01, 0.02),
      outOfBounds: noisy(0.02, 0.04),
    },
    advantage: { absMean: 0.7, effectiveGroups: Math.min(1, noisy(0.95 - 0.4 * skill, 0.2)) },
    kl: noisy(0.12 * skill, 0.02),
    entropy: noisy(0.6 - 0.35 * skill, 0.06),
    loss: noisy(0.02, 0.02),
    gradNorm: noisy(0.8, 0.5) + (step === Math.round(steps * 0.6) ? 2.5 : 0),
    lr: 1.5e-4 * 0.5 * (1 + Math.cos((Math.PI * step) / steps)),
    clipFraction: 0,
    length: { mean: noisy(40 + 60 * skill, 8), max: noisy(110 + 40 * skill, 20) },
    ending: { stop: 0.98, length: 0.02 },
    mismatch: { mean: noisy(4e-7, 1e-7), max: noisy(4e-6, 4e-6) },
    tokensPerSecond: noisy(5200, 500),
    rssMB: noisy(900, 20),
    unscored: step === 2 ? 3 : 0,
  };
}

async function scene(dir: string, random: Random): Promise<Scene> {
  const objects: Quad[] = Array.from({ length: random.int(1, 5) }, () => {
    const [x, y] = [random.int(5, 150), random.int(5, 115)];
    return [x, y, x + random.int(18, 42), y + random.int(18, 38)];
  });
  const shapes = objects.map(
    ([x1, y1, x2, y2]) =>
      `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" rx="6" fill="hsl(${random.int(0, 359)},60%,50%)"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="100%" height="100%" fill="#dfe5ea"/>${shapes.join("")}</svg>`;
  const png = await sharp(Buffer.from(svg)).png().toBuffer();
  const image = `images/${createHash("sha256").update(png).digest("hex")}.png`;
  await writeFile(path.join(dir, image), png);
  return { image, objects };
}

/** A chain about `objects`, with or without boxes, and where its boxes stand in it. */
function chain(
  objects: readonly Quad[],
  looks: boolean,
  answer: string,
  random: Random,
): Pick<RolloutLine, "text" | "boxes"> {
  let text = "<think> ";
  const boxes: RolloutLine["boxes"] = [];
  for (const [i, object] of (looks ? objects : []).entries()) {
    const box = object.map((edge) => edge + random.int(-4, 4)) as Quad;
    const written = `[${box.join(", ")}]`;
    text += `${i > 0 ? ", then " : "I see a block at "}`;
    boxes.push({
      box,
      start: text.length,
      end: text.length + written.length,
      duplicate: i === 4,
      degenerate: false,
      outOfBounds: false,
    });
    text += written;
  }
  text += looks ? "." : "There are some blocks in the picture.";
  text += ` </think>\n<rethink> Looking again, that is ${looks ? objects.length : "about right"}. </rethink>\n<answer> ${answer}`;
  return { text, boxes };
}

function groupOf(prompt: Scene, group: number, step: number, skill: number, random: Random): RolloutLine[] {
  const members = Array.from({ length: 6 }, (_, member) => {
    const looks = random.chance(skill);
    const right = random.chance(looks ? 0.9 : 0.5);
    const answer = String(right ? prompt.objects.length : prompt.objects.length + 1);
    const terms: RolloutLine["terms"] = {
      answer: right ? 1 : 0,
      bleu: right ? 0.1 : 0,
      structure: looks ? 1 : 0.5,
      boxes: looks ? 0.5 : 0,
      count: looks ? 0.5 : 0,
    };
    const lost = step === 1 && group === 0 && member === 5;
    if (lost) terms.answer = { unscored: "the judge did not answer" };
    const total = lost
      ? { unscored: "the judge did not answer" }
      : Object.values(terms).reduce<number>((sum, score) => sum + Number(score), 0);
    const written = chain(prompt.objects, looks, answer, random);
    return { ...written, terms, total, ending: looks ? "stop" : "length" };
  });
  const totals = members.map(({ total }) => total).filter((total) => typeof total === "number");
  const mean = totals.reduce((a, b) => a + b, 0) / totals.length;
  const deviation = Math.sqrt(totals.reduce((sum, total) => sum + (total - mean) ** 2, 0) / totals.length) || 1;
  return members.map((member) => ({
    step,
    group,
    id: `train-${group}`,
    dataset: TRAINED[group % 2]!,
    image: prompt.image,
    width: WIDTH,
    height: HEIGHT,
    question: group === 3 ? `How many blocks? ${HOSTILE}` : "How many blocks are in the picture?",
    answer: String(prompt.objects.length),
    ...member,
    advantage: typeof member.total === "number" ? (member.total - mean) / deviation : null,
  }));
}

function answered(set: string, index: number, shown: Scene, skill: number, random: Random): ReadAnswer {
  const looks = random.chance(skill);
  const right = random.chance(looks ? 0.88 : 0.5);
  const response = index === 0 ? HOSTILE : String(right ? shown.objects.length : shown.objects.length + 2);
  const grounded = set !== "mme" && set !== "mathvista";
  return {
    id: `${set}-${index}`,
    dataset: set,
    set,
    image: shown.image,
    width: WIDTH,
    height: HEIGHT,
    question: "How many blocks are in the picture?",
    answer: String(shown.objects.length),
    ...chain(shown.objects, looks, response, random),
    response,
    gtBoxes: grounded ? [...shown.objects] : [],
    acc: set === "ovd" ? null : right ? 1 : 0,
    giou: grounded ? (looks ? 0.6 + 0.3 * random.float() : 0) : null,
    ending: "stop",
    tokens: 60,
  };
}

/** Figures of the kind a good small run ends with: gains that only reach the row of the base forced to look. */
function summary(): Summary {
  const change = (before: number, after: number, half: number) => ({
    before,
    after,
    gain: after - before,
    low: after - before - half,
    high: after - before + half,
  });
  const row = (name: string, accuracy: readonly number[], giou: number) => ({
    name,
    sets: Object.fromEntries(
      SETS.map((set, i) => [
        set,
        {
          acc: set === "ovd" ? null : accuracy[i]!,
          giou: set === "mme" || set === "mathvista" ? null : giou,
          n: 300,
          accLow: set === "ovd" ? null : accuracy[i]! - 0.045,
          accHigh: set === "ovd" ? null : Math.min(1, accuracy[i]! + 0.045),
        },
      ]),
    ),
  });
  return {
    sets: {
      vsr: { n: 300, acc: change(0.61, 0.853, 0.061), giou: change(0.012, 0.731, 0.024) },
      tallyqa: { n: 300, acc: change(0.58, 0.827, 0.058), giou: change(0.02, 0.744, 0.022) },
      gqa: { n: 300, acc: change(0.66, 0.81, 0.06), giou: change(0.01, 0.8, 0.02) },
      mme: { n: 300, acc: change(0.9, 0.893, 0.04), giou: null },
      mathvista: { n: 300, acc: change(0.41, 0.443, 0.05), giou: null },
      ovd: { n: 300, acc: null, giou: change(0.871, 0.84, 0.024) },
    },
    rows: [
      row("direct query", [0.7, 0.64, 0.72, 0.91, 0.5, 0], 0),
      row("GRIT prompt, greedy", [0.61, 0.58, 0.66, 0.9, 0.41, 0], 0.02),
      row("GRIT prompt, T = 1", [0.57, 0.54, 0.6, 0.85, 0.36, 0], 0.16),
      row("forced to look", [0.877, 0.86, 0.83, 0.91, 0.45, 0], 0.75),
      row("GRPO-GR", [0.853, 0.827, 0.81, 0.893, 0.443, 0], 0.74),
    ],
    gate: { passed: true, vsr: { forced: 0.877, greedy: 0.61 }, tallyqa: { forced: 0.86, greedy: 0.58 } },
    seconds: { setup: 41, train: 118, eval: 96 },
  };
}
