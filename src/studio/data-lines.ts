/** @file The samples of one data file: what filters need of each is indexed, the rest is read by range when it is shown. */

import { resolve } from "node:path";
import type { z } from "zod";
import { imageHeader } from "../data/image-header.ts";
import { imagePathFault } from "../data/image-path.ts";
import { keyText } from "../data/jsonl.ts";
import { dataLineSchema, imageStart, taskOf } from "../data/samples.ts";
import type { Task } from "../records.ts";
import { DATA_OUTCOMES, type DataFilter, type DataOutcome } from "./data-filter.ts";
import { IndexedLines } from "./indexed-lines.ts";
import type { DataRow, DataRows, DataSample } from "./studio-data.ts";

/** What is remembered of a line. */
interface Remembered {
  readonly dataset: string;
  readonly task: Task | undefined;
  readonly outcome: DataOutcome;
  /** Id, question and answer in small letters, for the search. */
  readonly words: string;
}

type DataLine = z.infer<typeof dataLineSchema>;

export class DataLines {
  readonly #lines: IndexedLines<Remembered>;
  readonly #imageStart: (line: object) => string;

  /** Of the file at a path; `images` is where the paths of its images start if not beside it. */
  constructor(path: string, images: string | undefined) {
    this.#lines = new IndexedLines(path, remember, { takesOpen: true });
    this.#imageStart = imageStart(path, images);
  }

  /** At most `count` of the wanted samples, from a place among them on; or from where the sample of the line `around` is in sight. */
  async rows(filter: DataFilter, { from = 0, around, count }: Sight): Promise<DataRows> {
    await this.#lines.refresh();
    const known = this.#lines.facts.flatMap((fact, at) => (fact ? [{ fact, line: at + 1 }] : []));
    const wanted = known.filter(({ fact }) => isWanted(fact, filter));
    const place = wanted.findIndex(({ line }) => line === around);
    const first = place < 0 ? from : place - (place % count);
    const shown = wanted.slice(first, first + count).map(({ line }) => line);
    const texts = await this.#lines.read(shown.map((line) => line - 1));
    const facts = known.map(({ fact }) => fact);
    return {
      lines: known.length,
      wanted: wanted.length,
      from: first,
      rows: texts.flatMap((text, i) => (text === undefined ? [] : [rowOf(readLine(text), shown[i]!)])),
      datasets: [...new Set(facts.map(({ dataset }) => dataset))].filter(Boolean).sort(),
      tasks: [...new Set(facts.flatMap(({ task }) => task ?? []))].sort(),
      outcomes: Object.fromEntries(
        DATA_OUTCOMES.map((outcome) => [outcome, facts.filter((fact) => fact.outcome === outcome).length]),
      ) as Record<DataOutcome, number>,
    };
  }

  /** The whole sample of a line, counted from 1; undefined where the file has none there. */
  async sample(line: number): Promise<DataSample | undefined> {
    const read = await this.#read(line);
    if (!read) return undefined;
    const row = rowOf(read, line);
    const data = read.data;
    if (!data) return { ...row, ...NO_SAMPLE };
    const image = this.#imageOf(read);
    const header = image === undefined ? imagePathFault(data.image)! : await imageHeader(image);
    return {
      ...row,
      task: taskOf(data.dataset),
      split: data.split,
      answer: data.answer,
      image: data.image,
      size: typeof header === "string" ? null : { width: header.width, height: header.height },
      imageFault: typeof header === "string" ? header : null,
      quads: data.bboxs as unknown as DataSample["quads"],
      choices: data.choices ?? [],
      keyWords: data.key_words ?? [],
    };
  }

  /** The path of the image that a line names; undefined where it names none. */
  async image(line: number): Promise<string | undefined> {
    const read = await this.#read(line);
    return read && this.#imageOf(read);
  }

  async #read(line: number): Promise<ReadLine | undefined> {
    await this.#lines.refresh();
    const [text] = await this.#lines.read([line - 1]);
    return text === undefined || text.trim() === "" ? undefined : readLine(text);
  }

  #imageOf({ data, json }: ReadLine): string | undefined {
    if (!data || imagePathFault(data.image) !== undefined) return undefined;
    return resolve(this.#imageStart(json as object), data.image);
  }
}

/** Which part of the wanted samples is asked for. */
interface Sight {
  readonly from?: number | undefined;
  readonly around?: number | undefined;
  readonly count: number;
}

/** A line as it was read: what it says, or the first thing that is wrong with it. */
interface ReadLine {
  readonly json: unknown;
  readonly data?: DataLine;
  readonly fault?: string;
}

/** Of a line that is no sample nothing is told but what is wrong: the file may be none of samples at all. */
function readLine(text: string): ReadLine {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { json, fault: "is not JSON" };
  }
  const result = dataLineSchema.safeParse(json);
  if (result.success) return { json, data: result.data };
  const { path, message } = result.error.issues[0]!;
  return { json, fault: [keyText(path), message].filter(Boolean).join(": ") };
}

function remember(text: string): Remembered | undefined {
  if (text.trim() === "") return undefined;
  const { data } = readLine(text);
  if (!data) return { dataset: "", task: undefined, outcome: "faulty", words: "" };
  const { id = "", question, answer, dataset, bboxs } = data;
  return {
    dataset,
    task: taskOf(dataset),
    outcome: bboxs.length > 0 ? "with boxes" : "without boxes",
    words: `${id}\n${question}\n${answer}`.toLowerCase(),
  };
}

function isWanted(fact: Remembered, { words, dataset, task, outcome }: DataFilter): boolean {
  if (dataset !== undefined && fact.dataset !== dataset) return false;
  if (task !== undefined && fact.task !== task) return false;
  if (outcome !== undefined && fact.outcome !== outcome) return false;
  return words === undefined || fact.words.includes(words.toLowerCase());
}

function rowOf({ data, fault }: ReadLine, line: number): DataRow {
  if (!data) return { line, id: `line ${line}`, dataset: "", question: "", boxes: 0, fault: fault! };
  const { dataset, question, bboxs } = data;
  return { line, id: data.id ?? `${dataset}-${line}`, dataset, question, boxes: bboxs.length };
}

/** What a line has that is no sample. */
const NO_SAMPLE = {
  task: "answer",
  ...{ split: "", answer: "", image: "", size: null, imageFault: null, quads: [], choices: [], keyWords: [] },
} as const;
