/**
 * @file Data files to samples: everything wrong with a set of files is reported at once, by file, line and key. A line is what
 * the original project writes: `{"question", "answer", "image", "width", "height", "bboxs": [[x1, y1, x2, y2], …],
 * "dataset", "split", "key_words"}`, boxes in pixels of the stored image, with an optional `id`, and with what a judge may
 * be told, `choices` and `answer_type`.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { box } from "../boxes.ts";
import type { Sample } from "../records.ts";
import { Faults, firstFew } from "../util/faults.ts";
import { type ImageHeader, imageHeader, MISSING } from "./image-header.ts";
import { jsonLines, valid } from "./jsonl.ts";

/** Where images are looked for: `images`, or else the folder of the data file. */
export interface LoadOptions {
  readonly images?: string | undefined;
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

/** What a line may tell a judge beside question and answer. */
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

const lineSchema = z.object(
  {
    id: text.optional(),
    question: text,
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
type Line = z.infer<typeof lineSchema>;

/** The samples of data files, in order. @throws UserError naming every fault of the files and their images */
export async function loadSamples(files: readonly string[], options: LoadOptions = {}): Promise<Sample[]> {
  return (await loadLines(files, z.unknown(), options)).map(({ sample }) => sample);
}

/**
 * As `loadSamples`, for lines that hold more than a sample, such as a `completion`: `extra` says what, and is checked with
 * the same care. @throws UserError naming every fault of the files and their images
 */
export async function loadLines<E>(
  files: readonly string[],
  extra: z.ZodType<E>,
  options: LoadOptions = {},
): Promise<LoadedLine<E>[]> {
  const faults = new Faults();
  const lines: ReadLine<E>[] = [];
  for (const file of files) lines.push(...(await readLines(file, extra, options, faults)));
  const headers = await imageHeaders(lines.map(({ image }) => image));
  reportMissing(lines, headers, faults);
  const loaded = lines.flatMap(({ file, line, value, extra, image }) => {
    const header = headers.get(image)!;
    if (typeof header === "string") {
      if (header !== MISSING) faults.add(`${file}:${line}: image`, `${image} ${header}`);
      return [];
    }
    checkGeometry(`${file}:${line}`, value, header, faults);
    return [{ sample: toSample(value, line, image, header), extra, file, line }];
  });
  faults.throwIfAny(files.join(", "), "Mend what is named and run the command again.");
  return loaded;
}

/** A line that reads, its image not yet looked at. */
interface ReadLine<E> {
  readonly file: string;
  readonly line: number;
  readonly value: Line;
  readonly extra: E;
  /** Absolute path. */
  readonly image: string;
}

/** The lines of one file that read; the others become faults. */
async function readLines<E>(
  file: string,
  extra: z.ZodType<E>,
  { images = dirname(file) }: LoadOptions,
  faults: Faults,
): Promise<ReadLine<E>[]> {
  const lines: ReadLine<E>[] = [];
  const seen = new Map<string, number>();
  for await (const row of jsonLines(file, faults)) {
    const { json, line, where } = row;
    const value = valid(lineSchema, row, faults);
    const more = valid(extra, row, faults);
    if (!value || !more) continue;
    const alias = Object.keys(json as object).find((key) => /^(bbox|bboxes|box|boxes)$/.test(key));
    if (alias) faults.add(`${where}: ${alias}`, "is not read; name the boxes bboxs");
    const id = idOf(value.data, line);
    const first = seen.get(id);
    if (first) faults.add(`${where}: id`, `"${id}" stands at line ${first} too`);
    else seen.set(id, line);
    const image = resolve(images, value.data.image);
    lines.push({ file, line, value: value.data, extra: more.data, image });
  }
  return lines;
}

function idOf(value: Line, line: number): string {
  return value.id ?? `${value.dataset}-${line}`;
}

/** The header of each image, read once however many lines use it. */
async function imageHeaders(images: readonly string[]): Promise<Map<string, ImageHeader | string>> {
  const headers = new Map<string, ImageHeader | string>();
  for (const image of images) if (!headers.has(image)) headers.set(image, await imageHeader(image));
  return headers;
}

/** All missing images as one fault, since they are mostly missing for one reason: the folder. */
function reportMissing(
  lines: readonly ReadLine<unknown>[],
  headers: ReadonlyMap<string, ImageHeader | string>,
  faults: Faults,
): void {
  const missing = lines.filter(({ image }) => headers.get(image) === MISSING);
  const images = [...new Set(missing.map(({ image }) => image))];
  if (images.length === 0) return;
  const count = images.length === 1 ? "one image is missing" : `${images.length} images are missing`;
  const where = `${missing[0]!.file}:${missing[0]!.line}: image`;
  const list = firstFew(images).map((image) => `\n    ${image}`);
  faults.add(where, `${count} (paths start at the data file, or at the folder given by --images)${list.join("")}`);
}

/** Does the line's size agree with the image, and does every box lie inside it, corners in order? */
function checkGeometry(where: string, { width, height, bboxs }: Line, image: ImageHeader, faults: Faults): void {
  if ((width ?? image.width) !== image.width || (height ?? image.height) !== image.height) {
    const given = `${width ?? image.width}x${height ?? image.height}`;
    faults.add(`${where}: width, height`, `say ${given}, but the image has ${image.width}x${image.height} pixels`);
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
      faults.add(name, `[${quad}] leaves the image of ${image.width}x${image.height} pixels`);
    }
  }
}

function toSample(value: Line, line: number, image: string, { width, height }: ImageHeader): Sample {
  return {
    id: idOf(value, line),
    image,
    question: value.question,
    answer: value.answer,
    boxes: value.bboxs.map(([x1, y1, x2, y2]) => box("image", x1!, y1!, x2!, y2!)),
    width,
    height,
    dataset: value.dataset,
    split: value.split,
    ...(value.key_words && { keyWords: value.key_words }),
    ...judgingOf(value),
  };
}

/**
 * SHA-256, hex, over what the samples say and the bytes of their images. Equal hashes are equal data, wherever the files
 * lie: paths do not enter.
 */
export async function dataHash(samples: readonly Sample[]): Promise<string> {
  const images = new Map<string, string>();
  const hash = createHash("sha256");
  for (const { image, ...rest } of samples) {
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
