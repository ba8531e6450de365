/**
 * @file Imports a benchmark: its official files become data lines. Rows become items, the rule selects some, images are found
 * or written out, boxes are checked. All is written or, after a fault, nothing.
 */
import { rm } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { UserError } from "../../util/errors.ts";
import { Faults, SHOWN } from "../../util/faults.ts";
import { writeWhole } from "../../util/files.ts";
import { shortened } from "../../util/shortened.ts";
import { type ImageHeader, sizeFault } from "../image-header.ts";
import { ImageHeaders } from "../image-headers.ts";
import { imagePathFault, refuseAddress } from "../image-path.ts";
import { checkWords } from "../line-words.ts";
import { readRows } from "../read/read-rows.ts";
import { taskOf } from "../samples.ts";
import type { Benchmark, Item, Layout, Placed, Quad } from "./benchmark.ts";
import { layoutOf } from "./benchmarks.ts";
import { ImageStore, type StoredImage } from "./image-store.ts";
import { PartialFile } from "./partial-file.ts";
import { fitBox } from "./sound-boxes.ts";

export interface ImportOptions {
  /** Files as the benchmark's authors publish them. */
  readonly annotations: readonly string[];
  /** The folder of the images; images inside the annotations are written into it. */
  readonly images: string;
  /** The data file to write. */
  readonly out: string;
  /** Import every row, without the benchmark's rule. */
  readonly all?: boolean;
  /** Called now and then with how much of the files has been read, from 0 to 1, and how many rows. */
  readonly onProgress?: (share: number, rows: number) => void;
}

/** What an import did. */
export interface Imported {
  readonly rows: number;
  /** Questions in the rows; `samples` of them were written. */
  readonly items: number;
  readonly samples: number;
  /** Images written out of the annotations. */
  readonly images: number;
  /** Boxes that were cut at the image's edge. */
  readonly cut: number;
}

const REMEDY = "Fix the lines above and run the command again; no data was written.";

/**
 * Writes the data file of a benchmark. An image's path in it is relative to the file.
 * @throws UserError naming every fault of the rows, their images and boxes, by file and line
 */
export async function importBenchmark(benchmark: Benchmark, options: ImportOptions): Promise<Imported> {
  refuseAddress(options.images);
  const reading = new Reading(benchmark, options);
  const items = reading.items();
  const kept = benchmark.rule && !options.all ? benchmark.rule.keep(items) : items;
  await using lines = await PartialFile.open(options.out);
  await using store = new ImageStore(options.images, options.out);
  const writing = new Writing(options, store, reading.faults);
  let samples = 0;
  for await (const placed of kept) {
    const line = await writing.line(placed);
    if (line === undefined) continue;
    samples++;
    await lines.add(`${JSON.stringify(line)}\n`);
  }
  await writing.reportMissing();
  const input = options.annotations.join(", ");
  reading.faults.throwIfAny(input, REMEDY);
  if (samples === 0) throw new UserError(`${input}: ${nothingLeft(benchmark, reading)}`, REMEDY);
  await store.commit();
  await lines.commit();
  const { rows, count } = reading;
  return { rows, items: count, samples, images: store.size, cut: writing.cut };
}

function nothingLeft({ title, rule }: Benchmark, { count }: Reading): string {
  return count === 0 ? "hold no rows" : `none of ${count} questions fits ${title}'s rule (${rule!.says}); see --all`;
}

/** The rows of the annotations on their way to items. */
class Reading {
  readonly faults = new Faults();
  rows = 0;
  count = 0;
  readonly #benchmark: Benchmark;
  readonly #options: ImportOptions;
  /** Where each id was first seen. */
  readonly #ids = new Map<string, string>();

  constructor(benchmark: Benchmark, options: ImportOptions) {
    this.#benchmark = benchmark;
    this.#options = options;
  }

  async *items(): AsyncGenerator<Placed> {
    const { layouts, rows = readRows } = this.#benchmark;
    const { annotations, onProgress } = this.#options;
    const columns = new Set(layouts.flatMap(({ fields }) => fields));
    for (const [i, file] of annotations.entries()) {
      let layout: Layout | undefined;
      for await (const row of rows(file, columns)) {
        layout ??= layoutOf(row, this.#benchmark);
        this.rows++;
        for (const item of layout.read(row, this.rows, file, this.faults)) {
          this.count++;
          this.#checkId(item.id, row.where);
          yield { item, where: row.where };
        }
        onProgress?.((i + row.share) / annotations.length, this.rows);
      }
    }
  }

  #checkId(id: string, where: string): void {
    const first = this.#ids.get(id);
    if (first) this.faults.add(`${where}: id`, `"${shortened(id)}" is also the id at ${first}`);
    else this.#ids.set(id, where);
  }
}

/** Whether an answer is an option's text or its letter. */
function isOption(answer: string, choices: readonly string[]): boolean {
  const letter = answer.length === 1 ? answer.charCodeAt(0) - 65 : -1;
  return choices.includes(answer) || (letter >= 0 && letter < choices.length);
}

/** Items on their way to lines. */
class Writing {
  /** Boxes cut so far. */
  cut = 0;
  readonly #images: string;
  readonly #folder: string;
  readonly #missingList: string;
  readonly #store: ImageStore;
  readonly #faults: Faults;
  readonly #headers = new ImageHeaders();
  readonly #byKey = new Map<string, StoredImage>();

  constructor({ images, out }: ImportOptions, store: ImageStore, faults: Faults) {
    this.#images = resolve(images);
    this.#folder = dirname(resolve(out));
    this.#missingList = `${out}.missing.txt`;
    this.#store = store;
    this.#faults = faults;
  }

  /** The data line of an item; undefined when something is wrong with it. */
  async line({ item, where }: Placed): Promise<object | undefined> {
    if (item.choices && !isOption(item.answer, item.choices)) {
      this.#faults.add(`${where}: answer`, `${shortened(JSON.stringify(item.answer))} is not one of the options`);
    }
    checkWords(item, taskOf(item.dataset), where, this.#faults);
    const image = await this.#imageOf(item, where);
    if (image === undefined) return undefined;
    const { width, height } = image.header;
    const fault = item.size && sizeFault(item.size, image.header);
    if (fault) {
      this.#faults.add(`${where}: width, height`, fault);
      return undefined;
    }
    return {
      id: item.id,
      question: item.question,
      phrase: item.phrase,
      answer: item.answer,
      image: relative(this.#folder, image.path).replaceAll(sep, "/"),
      width,
      height,
      bboxs: item.boxes?.flatMap((box, i) => this.#fit(box, image.header, `${where}: box ${i + 1}`)),
      dataset: item.dataset,
      split: item.split,
      key_words: item.keyWords,
      choices: item.choices,
      answer_type: item.answerType,
    };
  }

  /** Adds the missing images as a fault. Those that a message would not name are also written into a file beside the data file. */
  async reportMissing(): Promise<void> {
    const { missing } = this.#headers;
    const isLong = missing.length > SHOWN;
    if (isLong) writeWhole(this.#missingList, missing.map((image) => `${image}\n`).join(""));
    else await rm(this.#missingList, { force: true }); // of an earlier import
    const start = "paths start at the folder given by --images";
    this.#headers.reportMissing(this.#faults, start, this.#missingList);
  }

  async #imageOf({ image, imageKey }: Item, where: string): Promise<StoredImage | undefined> {
    const found = await this.#find(image, where);
    if (typeof found === "string") {
      this.#faults.add(`${where}: image`, found);
      return undefined;
    }
    if (found && imageKey !== undefined && "bytes" in image) this.#byKey.set(imageKey, found);
    return found;
  }

  /** The image, the phrase that says what is wrong with it, or undefined when it is missing. */
  async #find(image: Item["image"], where: string): Promise<StoredImage | string | undefined> {
    if ("bytes" in image) return this.#store.add(image.bytes);
    if ("sameAs" in image)
      return this.#byKey.get(image.sameAs) ?? `is that of row ${shortened(image.sameAs)}, which is not before it`;
    const fault = imagePathFault(image.path);
    if (fault !== undefined) return fault;
    const path = join(this.#images, image.path);
    const header = await this.#headers.read(path, where);
    return typeof header === "string" ? `${path} ${header}` : header && { path, header };
  }

  #fit(box: Quad, image: ImageHeader, where: string): Quad[] {
    const fitted = fitBox(box, image);
    if (typeof fitted === "string") {
      this.#faults.add(where, fitted);
      return [];
    }
    if (fitted.cut) this.cut++;
    return [fitted.quad];
  }
}
