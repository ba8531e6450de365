/**
 * @file Parquet: the chains of every step, one file a step, in the columns of TRL's table of completions (step, prompt, completion,
 * the rewards by name, advantage), and the answers of every evaluation. Beside them the image, the boxes in its pixels, and which
 * sample it was.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ReadAnswer, RolloutLine } from "../run/lines.ts";
import { readRollouts, readRunFolder } from "../run/read-run.ts";
import { writeWhole } from "../util/files.ts";
import { type ParquetColumn, parquetBytes } from "./parquet-columns.ts";
import type { TrackerKind } from "./tracker.ts";

export const parquet: TrackerKind = {
  folder: (run) => join(run, "track", "parquet"),
  look: (out) => `datasets.load_dataset("parquet", data_files="${join(out, "rollouts", "*.parquet")}")`,
  async open({ dir }, out) {
    const rollouts = join(out, "rollouts");
    await mkdir(rollouts, { recursive: true });
    const isOurs = (name: string) => /^step-\d{6,}\.parquet$/.test(name);
    for (const old of (await readdir(rollouts)).filter(isOurs)) await rm(join(rollouts, old));
    return {
      async step({ step }) {
        const chains = await readRollouts(dir, step);
        if (chains.length === 0) return;
        const name = `step-${String(step).padStart(6, "0")}.parquet`;
        writeWhole(join(rollouts, name), parquetBytes(await completionColumns(dir, chains)));
      },
      async close() {
        for (const [name, answers] of (await readRunFolder(dir)).evals) {
          writeWhole(join(out, "eval", `${name}.parquet`), parquetBytes(await answerColumns(dir, answers)));
        }
      },
    };
  },
};

/** The table of some chains. A reward is null where it was not scored. */
async function completionColumns(run: string, chains: readonly RolloutLine[]): Promise<ParquetColumn[]> {
  const all = columnsOf(chains);
  const own = [
    all("step", "whole", ({ step }) => step),
    all("prompt", "text", ({ question }) => question),
    all("completion", "text", ({ text }) => text),
    all("advantage", "number", ({ advantage }) => advantage),
    all("reward", "number", ({ total }) => scored(total)),
    all("solution", "text", ({ answer }) => answer),
    all("image", "image", await imagesOf(run, chains)),
    all("boxes", "boxes", boxesOf),
    all("sample_id", "text", ({ id }) => id),
    all("dataset", "text", ({ dataset }) => dataset),
    all("group", "whole", ({ group }) => group),
    all("ending", "text", ({ ending }) => ending),
  ];
  const taken = new Set(own.map(({ name }) => name));
  const terms = [...new Set(chains.flatMap((chain) => Object.keys(chain.terms)))].map((term) =>
    // A reward of one's own may have the name of another column.
    all(taken.has(term) ? `reward_${term}` : term, "number", (chain) => scored(chain.terms[term])),
  );
  return [...own.slice(0, 3), ...terms, ...own.slice(3)];
}

/** The table of the answers of an evaluation. */
async function answerColumns(run: string, answers: readonly ReadAnswer[]): Promise<ParquetColumn[]> {
  const all = columnsOf(answers);
  return [
    all("sample_id", "text", ({ id }) => id),
    all("set", "text", ({ set }) => set),
    all("dataset", "text", ({ dataset }) => dataset),
    all("prompt", "text", ({ question }) => question),
    all("completion", "text", ({ text }) => text),
    all("response", "text", ({ response }) => response),
    all("solution", "text", ({ answer }) => answer),
    all("accuracy", "number", ({ acc }) => acc),
    all("rating", "number", ({ rating }) => rating),
    all("giou", "number", ({ giou }) => giou),
    all("image", "image", await imagesOf(run, answers)),
    all("boxes", "boxes", boxesOf),
    all("true_boxes", "boxes", ({ gtBoxes }) => gtBoxes),
    all("ending", "text", ({ ending }) => ending),
    all("tokens", "whole", ({ tokens }) => tokens),
  ];
}

/** Makes columns of some rows. */
function columnsOf<R>(rows: readonly R[]) {
  return (name: string, kind: ParquetColumn["kind"], value: (row: R) => unknown): ParquetColumn => ({
    name,
    kind,
    values: rows.map(value),
  });
}

function scored(score: RolloutLine["total"] | undefined): number | null {
  return typeof score === "number" ? score : null;
}

function boxesOf({ boxes }: Pick<RolloutLine, "boxes">): readonly number[][] {
  return boxes.map(({ box }) => box);
}

/** The image of each row as `datasets` takes it; null where the file is gone. Each file is read once. */
async function imagesOf(
  run: string,
  rows: readonly { image: string }[],
): Promise<(row: { image: string }) => object | null> {
  const images = new Map<string, object | null>();
  for (const { image } of rows) {
    if (images.has(image)) continue;
    const file = join(run, image);
    images.set(image, existsSync(file) ? { bytes: await readFile(file), path: basename(image) } : null);
  }
  return ({ image }) => images.get(image)!;
}
