/**
 * @file Reads data files as samples and reports everything wrong with them at once, by file, line and key. A line is what
 * the original project writes: `{"question", "answer", "image", "width", "height", "bboxs": [[x1, y1, x2, y2], …],
 * "dataset", "split", "key_words"}`, boxes in pixels of the stored image, with an optional `id`, `phrase` for a box to find,
 * and `choices` and `answer_type` for a judge.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { box } from "../boxes.ts";
import type { Sample, Task } from "../records.ts";
import { Faults } from "../util/faults.ts";
import type { JsonObject } from "../util/json-object.ts";
import { shortened } from "../util/shortened.ts";
import { type ImageHeader, sizeFault, turned } from "./image-header.ts";
import { ImageHeaders } from "./image-headers.ts";
import { imagePathFault, refuseAddress } from "./image-path.ts";
import { jsonLines, LineNames, valid } from "./jsonl.ts";
import { reportMisnamed } from "./line-keys.ts";
import { checkWords } from "./line-words.ts";

/** Where images are looked for: in `images`, or else in the folder of the data file. */
export interface LoadOptions {
  readonly images?: string | undefined;
  /** Name every missing image, not the first few. */
  readonly nameMissing?: boolean;
}

/** A sample with what else its line holds, and where it stands. */
export interface LoadedLine<E> {
  readonly sample: Sample;
  readonly extra: E;
  readonly file: string;
  readonly line: number;
}

const text = z
  .string({
    error: ({ input }) => {
      if (input === undefined) return "is missing";
      return typeof input === "number" ? `is a number; quote it: "${input}"` : "is not a string";
    },
  })
  .regex(/\S/, "is empty");
const pixels = z.int("is not a whole number of pixels").positive("is not positive");
const quad = z.array(z.number("is not a number"), "is not a list").length(4, "is not four numbers [x1, y1, x2, y2]");

/** What a line may say for a judge beside question and answer. */
export const judgingFields = {
  choices: z.array(text, "is not a list of strings").nullish(),
  answer_type: text.nullish(),
};

/** These fields as a sample has them. */
export function judgingOf({
  choices,
  answer_type,
}: z.infer<z.ZodObject<typeof judgingFields>>): Pick<Sample, "choices" | "answerType"> {
  return { ...(choices && { choices }), ...(answer_type && { answerType: answer_type }) };
}

/** A line of a data file. */
export const dataLineSchema = z.object(
  {
    id: text.optional(),
    question: text,
    phrase: text.nullish(),
    answer: text,
    image: text,
    width: pixels.optional(),
    height: pixels.optional(),
    bboxs: z.array(quad, "is not a list of boxes").default([]),
    dataset: text,
    split: z.string("is not a string").default(""),
    key_words: z.array(text, "is not a list of strings").optional(),
    ...judgingFields,
  },
  "is not a JSON object",
);
type Line = z.infer<typeof dataLineSchema>;
const KEYS = Object.keys(dataLineSchema.shape);

/** The samples of data files, in order. @throws UserError naming every fault of the files and their images */
export async function loadSamples(files: readonly string[], options: LoadOptions = {}): Promise<Sample[]> {
  return (await loadLines(files, options)).map(({ sample }) => sample);
}

/** As `loadSamples`, each sample with the place where it stands. @throws UserError as `loadSamples` */
export function loadLines(files: readonly string[], options: LoadOptions = {}): Promise<LoadedLine<unknown>[]> {
  return loadLinesWith(files, z.unknown(), options);
}

/**
 * As `loadLines`, for lines that hold more than a sample, such as a `completion`: `extra` says what, and is checked with
 * the same care. @throws UserError naming every fault of the files and their images
 */
export async function loadLinesWith<E>(
  files: readonly string[],
  extra: z.ZodType<E>,
  options: LoadOptions = {},
): Promise<LoadedLine<E>[]> {
  const { images, nameMissing = false } = options;
  refuseAddress(images);
  const faults = new Faults();
  const lines: ReadLine<E>[] = [];
  for (const file of files) for await (const line of readLines(file, extra, options, faults)) lines.push(line);
  const headers = new ImageHeaders();
  for (const { image, file, line } of lines) await headers.read(image, `${file}:${line}`);
  const start = images
    ? `image paths start at ${images}`
    : "image paths start at the data file's folder; name another with --images, in a recipe with data.images";
  headers.reportMissing(faults, start, nameMissing ? undefined : "grit data check");
  const loaded: LoadedLine<E>[] = [];
  for (const { file, line, value, extra, image } of lines) {
    const where = `${file}:${line}`;
    const header = await headers.read(image, where);
    if (typeof header === "string") faults.add(`${where}: image`, `${image} ${header}`);
    if (typeof header !== "object") continue;
    checkGeometry(where, value, header, faults);
    loaded.push({ sample: toSample(value, line, where, image, header), extra, file, line });
  }
  faults.throwIfAny(files.join(", "), "Fix what is named above and run the command again.");
  return loaded;
}

/** A valid line whose image has not been checked yet. */
interface ReadLine<E> {
  readonly file: string;
  readonly line: number;
  readonly value: Line;
  readonly extra: E;
  /** Absolute path. */
  readonly image: string;
}

/** The valid lines of one file; the others become faults. */
async function* readLines<E>(
  file: string,
  extra: z.ZodType<E>,
  { images }: LoadOptions,
  faults: Faults,
): AsyncGenerator<ReadLine<E>> {
  const namer = new LineNames();
  const start = imageStart(file, images);
  for await (const row of jsonLines(file, faults)) {
    const { json, line, where } = row;
    const value = valid(dataLineSchema, row, faults);
    const more = typeof json === "object" ? valid(extra, row, faults) : undefined;
    if (!value || !more) continue;
    // Beside a text that a model wrote, boxes are those it found.
    const written = "text" in (json as object);
    if (!written) reportMisnamed(json as JsonObject, KEYS, where, faults);
    checkWords(value.data, taskOf(value.data.dataset), where, faults);
    const id = namer.name(json, idOf(value.data, line), line);
    if (typeof id !== "string")
      faults.add(`${where}: id`, `"${shortened(idOf(value.data, line))}" is also the id of line ${id.line}`);
    const pathFault = imagePathFault(value.data.image);
    if (pathFault !== undefined) {
      faults.add(`${where}: image`, pathFault);
      continue;
    }
    const image = resolve(start(json as object), value.data.image);
    yield {
      file,
      line,
      value: typeof id === "string" ? { ...value.data, id } : value.data,
      extra: more.data,
      image,
    };
  }
}

/** Tells of a line of a data file the folder that its image's path starts at; `images` is that of all. */
export function imageStart(file: string, images: string | undefined): (line: object) => string {
  const beside = dirname(file);
  const home = runFolderOf(file) ?? beside;
  return (line) => images ?? ("text" in line ? home : beside);
}

/** The run folder that a file lies in, if it does: image paths in a run's own files start there. */
function runFolderOf(file: string): string | undefined {
  let folder = dirname(resolve(file));
  for (let up = 0; up < 3; up++, folder = dirname(folder)) if (existsSync(join(folder, "run.json"))) return folder;
  return undefined;
}

function idOf(value: Line, line: number): string {
  return value.id ?? `${value.dataset}-${line}`;
}

/** Does the line's size agree with the image, and does every box lie inside it, corners in order? */
function checkGeometry(where: string, { width, height, bboxs }: Line, image: ImageHeader, faults: Faults): void {
  const fault = sizeFault({ width: width ?? image.width, height: height ?? image.height }, image);
  if (fault !== undefined) {
    faults.add(`${where}: width, height`, fault);
    return;
  }
  for (const [i, quad] of bboxs.entries()) {
    const [x1, y1, x2, y2] = quad as [number, number, number, number];
    const name = `${where}: bboxs[${i}]`;
    if (x1 >= x2 || y1 >= y2) {
      faults.add(name, `[${quad}] covers nothing; write [x1, y1, x2, y2] with x1 < x2 and y1 < y2`);
    } else if (x1 >= 0 && y1 >= 0 && x2 <= 1 && y2 <= 1) {
      faults.add(name, `[${quad}] is in shares of the image; write pixels of the stored image`);
    } else if (x1 < 0 || y1 < 0 || x2 > image.width || y2 > image.height) {
      faults.add(name, `[${quad}] leaves the image of ${image.width}x${image.height} pixels${turned(image)}`);
    }
  }
}

/**
 * What the samples of a data set ask for, by its name in any case: TallyQA asks to count, OVDEval and RefCOCO to detect. Only there do rewards
 * and metrics look at how many boxes there are, or where the answer's boxes lie.
 */
export function taskOf(dataset: string): Task {
  if (/tally[-_ ]?qa/i.test(dataset)) return "count";
  return /ovd|refcoco/i.test(dataset) ? "detect" : "answer";
}

function toSample(value: Line, line: number, where: string, image: string, { width, height }: ImageHeader): Sample {
  return {
    id: idOf(value, line),
    where,
    image,
    question: value.question,
    ...(value.phrase && { phrase: value.phrase }),
    answer: value.answer,
    boxes: value.bboxs.map(([x1, y1, x2, y2]) => box("image", x1!, y1!, x2!, y2!)),
    width,
    height,
    dataset: value.dataset,
    task: taskOf(value.dataset),
    split: value.split,
    ...(value.key_words && { keyWords: value.key_words }),
    ...judgingOf(value),
  };
}

/** A sample as a line of a data file, its image by its absolute path: what `loadSamples` reads again as the same sample. */
export function sampleLine(sample: Sample) {
  const { id, question, phrase, answer, image, width, height, boxes, dataset, split, keyWords, choices, answerType } =
    sample;
  return {
    id,
    question,
    ...(phrase && { phrase }),
    answer,
    image: resolve(image),
    width,
    height,
    bboxs: boxes.map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]),
    dataset,
    split,
    ...(keyWords && { key_words: keyWords }),
    ...(choices && { choices }),
    ...(answerType && { answer_type: answerType }),
  };
}

/**
 * SHA-256, hex, over the samples and the bytes of their images. Equal hashes mean equal data, wherever the files are: paths do
 * not count, nor does the task, which follows from the data set's name.
 */
export async function dataHash(samples: readonly Sample[]): Promise<string> {
  const images = new Map<string, string>();
  const hash = createHash("sha256");
  for (const { image, task: _, where: __, ...rest } of samples) {
    if (!images.has(image))
      images.set(
        image,
        createHash("sha256")
          .update(await readFile(image))
          .digest("hex"),
      );
    hash.update(`${JSON.stringify(rest)}\n${images.get(image)}\n`);
  }
  return hash.digest("hex");
}
