/**
 * @file What the importer knows of a benchmark: the layouts of its files, how rows become questions, and which of them are used
 * (its rule). Each benchmark is a file beside this one; `benchmarks.ts` lists them.
 */
import { basename, extname } from "node:path";
import { z } from "zod";
import type { Faults } from "../../util/faults.ts";
import type { Row } from "../read/row.ts";

/** [x1, y1, x2, y2] in pixels of the stored image. */
export type Quad = readonly [number, number, number, number];

/** Where a question's image is: a file below the images folder, in the row itself, or in an earlier row of the file. */
export type ImageSource =
  | { readonly path: string }
  | { readonly bytes: readonly Uint8Array[] }
  | { readonly sameAs: string };

/** One question as a benchmark asks it: a data line whose image has not been looked at. */
export interface Item {
  /** Unique in the set. */
  readonly id: string;
  readonly question: string;
  /** What a detection question asks for. */
  readonly phrase?: string;
  readonly answer: string;
  readonly image: ImageSource;
  /** The name by which other rows of the file refer to this row's image. */
  readonly imageKey?: string;
  readonly boxes?: readonly Quad[];
  /** The image's size in pixels, if the row states it; it is compared with the image. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly dataset: string;
  readonly split: string;
  /** Options of a multiple-choice question, in the order of their letters. */
  readonly choices?: readonly string[];
  /** What kind of answer is wanted, e.g. `integer`; see `JudgeRequest`. */
  readonly answerType?: string;
  readonly keyWords?: readonly string[];
}

/** An item and the place of its row. */
export interface Placed {
  readonly item: Item;
  readonly where: string;
}

/** What a row says besides its own fields. */
export interface At {
  /** The file's name without folder and ending; it often names the split. */
  readonly stem: string;
  /** Number of the row among all rows of the import, from 1. */
  readonly number: number;
  /** The row's key, in a file that is an object of rows; else its number. */
  readonly key: string;
}

/** One layout of a benchmark's rows. */
export interface Layout {
  /** Every field that is read; other columns of a parquet file are not decoded. */
  readonly fields: readonly string[];
  /** The fields that identify the layout. */
  readonly required: readonly string[];
  /** Whether a row has this layout with all its values sound. */
  accepts(value: Row["value"]): boolean;
  /** The questions of a row; none for a faulty row, whose faults are added. */
  read(row: Row, number: number, file: string, faults: Faults): Item[];
}

/** Which items a benchmark is measured by. */
export interface Rule {
  /** In words, for the user. */
  readonly says: string;
  keep(items: AsyncIterable<Placed>): AsyncIterable<Placed>;
}

export interface Benchmark {
  /** As in `grit data import NAME`. */
  readonly name: string;
  readonly title: string;
  /** What `--annotations` and `--images` are, in a phrase. */
  readonly files: string;
  readonly layouts: readonly Layout[];
  readonly rule?: Rule;
  /** Reads what `--annotations` names, where the ending of a file does not decide how. */
  readonly rows?: (path: string, columns: ReadonlySet<string>) => AsyncIterable<Row>;
}

/** Makes a layout of the fields of its rows and their meaning. `items` may give a phrase that says what is wrong instead. */
export function layout<S extends z.ZodRawShape>(
  shape: S,
  items: (row: z.infer<z.ZodObject<S>>, at: At) => Item | Item[] | string,
): Layout {
  const schema = z.object(shape);
  const fields = Object.keys(shape);
  return {
    fields,
    required: fields.filter((name) => !(shape[name] as z.ZodType).safeParse(undefined).success),
    accepts: (value) => schema.safeParse(value).success,
    read(row, number, file, faults) {
      const { data, error } = schema.safeParse(row.value);
      for (const { path, message } of error?.issues ?? []) {
        faults.add([row.where, ...(path.length > 0 ? [path.join(".")] : [])].join(": "), message);
      }
      if (!data) return [];
      const stem = basename(file, extname(file));
      const read = items(data, { stem, number, key: row.key ?? String(number) });
      if (typeof read !== "string") return [read].flat();
      faults.add(row.where, read);
      return [];
    },
  };
}

/** A rule that looks at each item by itself. */
export function only(says: string, fits: (item: Item) => boolean): Rule {
  return {
    says,
    async *keep(items) {
      for await (const placed of items) if (fits(placed.item)) yield placed;
    },
  };
}
