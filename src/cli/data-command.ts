/** @file `grit data`: import, check, describe or render data files. */

import { Command } from "commander";
import { checkSamples, type Description, describe } from "../data/check.ts";
import { loadSamples } from "../data/samples.ts";
import { goldScore } from "../evaluation/metrics.ts";
import { exactJudge } from "../judge/exact.ts";
import { decodeImage } from "../prompt/image.ts";
import { Progress } from "../util/progress.ts";
import { table } from "../util/table.ts";
import { importCommand } from "./data-import-command.ts";
import { scenesCommand } from "./data-scenes-command.ts";

/** The command `data`. */
export function dataCommand(): Command {
  return new Command("data")
    .description("import, check, describe or render data files")
    .addCommand(importCommand())
    .addCommand(checkCommand())
    .addCommand(statsCommand())
    .addCommand(scenesCommand());
}

function checkCommand(): Command {
  return new Command("check")
    .description("check data files: every line, box and image is valid, and every gold answer gets full marks")
    .argument("<files...>", "data files (JSON lines)")
    .option("--images <dir>", "folder that image paths start at, instead of the data file's")
    .action(async (files: string[], options: { images?: string }) => {
      const samples = await loadSamples(files, { ...options, nameMissing: true });
      const progress = new Progress({ label: "check", total: samples.length });
      await checkSamples(
        samples,
        { decode: (image) => decodeImage(image), judge: (sample) => goldScore(sample, exactJudge) },
        (done) => progress.update(done),
      );
      progress.finish();
      const boxes = samples.reduce((sum, sample) => sum + sample.boxes.length, 0);
      const images = new Set(samples.map((sample) => sample.image)).size;
      console.log(`${samples.length} samples are valid: ${images} images decode, ${boxes} boxes lie inside them,`);
      console.log("every gold answer gets full marks.");
    });
}

function statsCommand(): Command {
  return new Command("stats")
    .description("describe data files by the columns of the paper's table 2, a row for each data set")
    .argument("<files...>", "data files (JSON lines)")
    .option("--images <dir>", "folder that image paths start at, instead of the data file's")
    .action(async (files: string[], options: { images?: string }) => {
      console.log(statsTable(describe(await loadSamples(files, options))));
    });
}

function statsTable(sets: readonly Description[]): string {
  const number = (value: number | undefined, scale = 1) => (value === undefined ? "–" : (scale * value).toFixed(1));
  const head = ["data set", "items", "images", "question", "answer", "choice or yes/no %", "boxes", "covered %"];
  const rows = sets.map((set) => [
    set.dataset,
    set.items,
    set.images,
    number(set.questionLength),
    number(set.answerLength),
    number(set.choice, 100),
    number(set.boxes),
    number(set.grounded, 100),
  ]);
  return `${table([head, ...rows])}\nQuestion and answer: words an item. Boxes and covered: means over the items that have boxes.`;
}
