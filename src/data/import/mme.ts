/**
 * @file MME: two yes/no questions about each image. The official release is a folder for each of fourteen subtasks with an
 * image and a text file of the same name, side by side or in `images/` and `questions_answers_YN/`; a line of the text is a
 * question, a tab, Yes or No. Tables (Hugging Face parquet, VLMEvalKit TSV) have one question a row:
 *
 *     {"question_id": "count/000000067213.jpg", "category": "count", "question": "Are there two dogs? Please answer yes or no.",
 *      "answer": "Yes", "image": …}
 *
 * The paper's rule: existence, count, position, and in its released files colour: 240 questions.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../util/errors.ts";
import { unreadable } from "../../util/unreadable.ts";
import { readRows } from "../read/read-rows.ts";
import type { Row } from "../read/row.ts";
import { type Benchmark, layout, only } from "./benchmark.ts";
import { identifier, image, imagePath, oneOf, text, yesOrNo } from "./fields.ts";

const category = oneOf(
  "existence",
  "count",
  "position",
  "color",
  "posters",
  "celebrity",
  "scene",
  "landmark",
  "artwork",
  "OCR",
  "commonsense_reasoning",
  "numerical_calculation",
  "text_translation",
  "code_reasoning",
);
const asked = { category, question: text, answer: yesOrNo };
const PAPER = ["existence", "count", "position", "color"].map((name) => `mme_${name}`);

export const mme: Benchmark = {
  name: "mme",
  title: "MME",
  files: "the folder MME_Benchmark_release_version (then also --images), or the parquet or TSV files",
  layouts: [
    layout({ ...asked, question_id: text, line: identifier, image_file: imagePath }, (row) => ({
      ...itemOf(row),
      id: `mme_${row.question_id}#${row.line}`,
      image: row.image_file,
    })),
    layout({ ...asked, question_id: text, image }, (row, { number }) => ({
      ...itemOf(row),
      id: `mme_${row.question_id}#${number}`,
      image: row.image,
    })),
    layout({ ...asked, index: identifier, image }, (row) => ({
      ...itemOf(row),
      id: `mme_${row.category}-${row.index}`,
      image: row.image,
      imageKey: row.index,
    })),
  ],
  rule: only("the subtasks existence, count, position and color", ({ dataset }) => PAPER.includes(dataset)),
  rows: (path, columns) => tableOrRelease(path, columns),
};

function itemOf({ category, question, answer }: { category: string; question: string; answer: string }) {
  return { question: question.trim(), answer, dataset: `mme_${category}`, split: "test" };
}

async function* tableOrRelease(path: string, columns: ReadonlySet<string>): AsyncGenerator<Row> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) yield* release(path);
  else yield* readRows(path, columns);
}

/** The questions of the official release, below `root`. */
async function* release(root: string): AsyncGenerator<Row> {
  const entries = await readdir(root, { recursive: true });
  const texts = entries.filter((path) => path.endsWith(".txt")).sort();
  if (texts.length === 0) {
    throw new UserError(`${root}: holds no text files of questions`, "Name the folder that holds MME's subtasks.");
  }
  const images = new Map(entries.filter((path) => !path.endsWith(".txt")).map((path) => [withoutEnding(path), path]));
  for (const [i, path] of texts.entries()) {
    const folder = dirname(path);
    const split = basename(folder) === "questions_answers_YN";
    const imageFolder = split ? join(dirname(folder), "images") : folder;
    const stem = basename(path, ".txt");
    const image = images.get(join(imageFolder, stem)) ?? join(imageFolder, `${stem}.jpg`);
    const lines = (await readFile(join(root, path), "utf8")).split(/\r?\n/);
    for (const [j, line] of lines.entries()) {
      if (line.trim() === "") continue;
      const [question, answer] = line.split("\t");
      const category = basename(split ? dirname(folder) : folder);
      const value = { category, question, answer, question_id: `${category}/${stem}`, line: j + 1, image_file: image };
      yield { value, where: `${join(root, path)}:${j + 1}`, share: (i + 1) / texts.length };
    }
  }
}

function withoutEnding(path: string): string {
  return path.replace(/\.[^./\\]+$/, "");
}
