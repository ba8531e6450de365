/**
 * @file The scenes world as files: held-out sets that mirror the paper's six, one of referring expressions, and two for training, of ten
 * unless more are wanted. They are JSONL with PNG images. Training, held-out and pretraining scenes come from random streams of different names.
 */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "../../util/errors.ts";
import { PartialFolder } from "../../util/partial-folder.ts";
import { type Random, stream } from "../../util/random.ts";
import { countOf, sumOf } from "./ask-count.ts";
import { type Dataset, goldBoxes, type Question } from "./question.ts";
import { ASKERS } from "./questions.ts";
import { renderScene, toPng } from "./render.ts";
import { COUNTS, countingScene, mixedScene, pairOfKinds, randomKind, type Scene, sumScene } from "./world.ts";

/** Raised when the same seed starts to give other files. */
const VERSION = 3;

/** Samples a training set and a held-out set have. */
export interface SetCounts {
  readonly train: number;
  readonly val: number;
  /** Fewest objects that counting is asked about, up to 9; without it small counts are common, and training has none above 4. */
  readonly least?: number | undefined;
}

export const DEFAULT_COUNTS: SetCounts = { train: 10, val: 300 };

/** One set's file, e.g. `vsr_val.jsonl`. */
export interface SetFile {
  readonly file: string;
  readonly samples: number;
}

export interface RenderedSets {
  /** Absolute folder of the files. */
  readonly out: string;
  readonly files: readonly SetFile[];
  /** The folder already held exactly these sets. */
  readonly reused: boolean;
}

/**
 * Renders all sets into the folder `out`: all of them or, after a failure, nothing. A folder that holds the same sets is
 * left as it is.
 * @throws UserError when `out` exists and holds anything else, or another process renders there.
 */
export async function renderSets(options: {
  readonly out: string;
  readonly seed: number;
  readonly counts: SetCounts;
  /** Called with the number of scenes rendered so far. */
  readonly onProgress?: (done: number) => void;
  /** Ends the work: its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}): Promise<RenderedSets> {
  const { seed, counts, onProgress, signal } = options;
  const out = resolve(options.out);
  const files = plan(counts).map(({ file, samples }) => ({ file, samples }));
  const manifest = `${JSON.stringify({ version: VERSION, seed, ...counts, files }, null, 2)}\n`;
  if (await holds(out, manifest)) return { out, files, reused: true };

  const work = PartialFolder.take(out);
  const partial = work.path("scenes");
  try {
    await mkdir(partial);
    let done = 0;
    for (const set of plan(counts)) {
      await writeSet(partial, set, seed, (part) => {
        onProgress?.(done + part);
        signal?.throwIfAborted();
      });
      done += set.samples;
    }
    await writeFile(join(partial, MANIFEST), manifest);
    work.commit("scenes");
  } finally {
    work.remove();
  }
  return { out, files, reused: false };
}

const MANIFEST = "scenes.json";

/** Whether `out` holds the sets of this manifest; false when there is nothing there yet. */
async function holds(out: string, manifest: string): Promise<boolean> {
  const entries: string[] = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UserError(`${out} cannot be used as a folder: ${error.message}.`, "Name another folder with --out.");
  });
  if (entries.length === 0) return false;
  const found = entries.includes(MANIFEST) ? await readFile(join(out, MANIFEST), "utf8") : undefined;
  if (found === manifest) return true;
  const what = found === undefined ? "something other than rendered scenes" : `other scenes (see its ${MANIFEST})`;
  throw new UserError(
    `${out} already exists and holds ${what}.`,
    "Name another folder with --out, or delete this one.",
  );
}

/** A scene and the question asked about it. */
interface Item {
  readonly scene: Scene;
  readonly question: Question;
}

/** One set: `draw` makes its i-th item, or undefined where the scene drawn has no such question. */
interface SetPlan extends SetFile {
  readonly name: string;
  readonly split: "train" | "val";
  readonly draw: (random: Random, i: number) => Item | undefined;
}

function plan({ train, val, least }: SetCounts): SetPlan[] {
  const many = least === undefined ? undefined : COUNTS.filter((count) => count >= least);
  const trainSet = (name: string, draw: SetPlan["draw"]): SetPlan => ({
    name,
    split: "train",
    file: `${name}_train_${train}.jsonl`,
    samples: train,
    draw,
  });
  const valSet = (name: string, draw: SetPlan["draw"]): SetPlan => ({
    name,
    split: "val",
    file: `${name}_val.jsonl`,
    samples: val,
    draw,
  });
  return [
    trainSet("vsr", drawRelation),
    trainSet("tallyqa", drawCount(many ?? [0, 1, 2, 3, 4])),
    valSet("vsr", drawRelation),
    valSet("tallyqa", drawCount(many ?? COUNTS)),
    valSet("gqa", (random, i) => ask(mixedScene(random), "gqa", random, i)),
    valSet("mme", drawYesNo),
    valSet("mathvista_mini", drawSum),
    valSet("ovd_position", (random, i) => ask(mixedScene(random), "ovd_position", random, i)),
    valSet("refcoco", (random, i) => ask(mixedScene(random), "refcoco", random, i)),
  ];
}

/** Asks the data set's `form`-th kind of question (cyclically). */
function ask(scene: Scene, dataset: Dataset, random: Random, form: number, affirm = true): Item | undefined {
  const askers = ASKERS[dataset];
  const question = askers[form % askers.length]!(scene, random, affirm);
  return question && { scene, question };
}

/** Yes and no in turn. */
function drawRelation(random: Random, i: number): Item | undefined {
  return ask(mixedScene(random), "vsr", random, 0, i % 2 === 0);
}

/** These counts in turn. */
function drawCount(counts: readonly number[]): SetPlan["draw"] {
  return (random, i) => {
    const kind = randomKind(random);
    const scene = countingScene(random, kind, counts[i % counts.length]!);
    return { scene, question: countOf(scene, kind) };
  };
}

/** The four kinds of MME in turn, and yes and no in turn within each. */
function drawYesNo(random: Random, i: number): Item | undefined {
  const dataset = (["mme_existence", "mme_count", "mme_position", "mme_color"] as const)[i % 4]!;
  const scene =
    dataset === "mme_count" ? countingScene(random, randomKind(random), random.int(2, 5)) : mixedScene(random);
  return ask(scene, dataset, random, 0, Math.floor(i / 4) % 2 === 0);
}

/** Sums and differences in turn, counts from 0 to 4. */
function drawSum(random: Random, i: number): Item | undefined {
  const kinds = pairOfKinds(random);
  const scene = sumScene(random, kinds, [random.int(0, 4), random.int(0, 4)]);
  const question = sumOf(scene, ...kinds, i % 2 === 0);
  return question && { scene, question };
}

/** Draws again, from the same stream, until the scene has the question. */
function drawItem(set: SetPlan, seed: number, i: number): Item {
  const random = stream(seed, "scenes", set.split, set.name, i);
  for (;;) {
    const item = set.draw(random, i);
    if (item) return item;
  }
}

async function writeSet(folder: string, set: SetPlan, seed: number, onProgress: (done: number) => void): Promise<void> {
  const images = join("images", `${set.name}_${set.split}`);
  await mkdir(join(folder, images), { recursive: true });
  const lines: string[] = [];
  for (let i = 0; i < set.samples; i++) {
    const { scene, question } = drawItem(set, seed, i);
    const number = String(i).padStart(4, "0");
    const image = join(images, `${number}.png`);
    await writeFile(join(folder, image), await toPng(renderScene(scene)));
    lines.push(
      JSON.stringify({ id: `${set.name}-${set.split}-${number}`, ...toLine(scene, question), image, split: set.split }),
    );
    onProgress(i + 1);
  }
  await writeFile(join(folder, set.file), lines.map((line) => `${line}\n`).join(""));
}

/** The data line of an item, less its id, image and split. Boxes are [x1, y1, x2, y2] in image pixels. */
function toLine({ width, height }: Scene, question: Question): object {
  const numbers = ({ x1, y1, x2, y2 }: { x1: number; y1: number; x2: number; y2: number }) => [x1, y1, x2, y2];
  const { dataset, text, phrase, answer } = question;
  return {
    question: text,
    phrase,
    answer: typeof answer === "string" ? answer : `[${numbers(answer).join(", ")}]`,
    width,
    height,
    bboxs: goldBoxes(question).map(numbers),
    dataset,
  };
}
