/**
 * @file What a benchmark is to the importer: layouts of its files, rows to questions, the rule by which it is measured. One
 * benchmark is one file beside this one; `benchmarks.ts` lists them.
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
  readonly answer: string;
  readonly image: ImageSource;
  /** What other rows of the file call this row's image. */
  readonly imageKey?: string;
  readonly boxes?: readonly Quad[];
  /** The image's size in pixels, where the row tells it: it is held against the image. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly dataset: string;
  readonly split: string;
  /** Options of a multiple-choice question, in the order of their letters. */
  readonly choices?: readonly string[];
  /** What kind of answer is wanted, e.g. `integer`; see `JudgeRequest`. */
  readonly answerType?: string;
  readonly keyWords?: readonly string[];
}

/** An item and where its row stands. */
export interface Placed {
  readonly item: Item;
  readonly where: string;
}

/** What a row says besides its own fields. */
export interface At {
  /** The file's name without folder and ending: it often tells the split. */
  readonly stem: string;
  /** Number of the row among all rows of the import, from 1. */
  readonly number: number;
  /** The row's key, in a file that is an object of rows; else its number. */
  readonly key: string;
}

/** One layout of a benchmark's rows. */
export interface Layout {
  /** Every field that is read; a parquet file's other columns are not even decoded. */
  readonly fields: readonly string[];
  /** The fields by which the layout is known. */
  readonly required: readonly string[];
  /** Whether a row has this layout with all its values sound. */
  accepts(value: Row["value"]): boolean;
  /** The questions of a row; of a row at fault none, its faults added. */
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
  /** The rows of one thing named by `--annotations`, where that is not a file whose ending tells. */
  readonly rows?: (path: string, columns: ReadonlySet<string>) => AsyncIterable<Row>;
}

/** A layout by the fields of its rows and what they mean; `items` may give, instead of items, what is wrong in a phrase. */
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
