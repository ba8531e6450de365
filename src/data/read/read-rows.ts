/** @file An annotation file's rows, by the ending of its name. */
import { extname } from "node:path";
import { UserError } from "../../util/errors.ts";
import { jsonRows } from "./json.ts";
import { parquetRows } from "./parquet.ts";
import type { Row } from "./row.ts";
import { tsvRows } from "./tsv.ts";

/**
 * The rows of a JSON, JSON Lines, TSV or parquet file. Of a parquet file the named columns are read, of the others all.
 * @throws UserError by file and line: another ending, no such file, a damaged file
 */
export function readRows(file: string, columns: ReadonlySet<string>): AsyncIterable<Row> {
  switch (extname(file).toLowerCase()) {
    case ".json":
    case ".jsonl":
      return jsonRows(file);
    case ".tsv":
      return tsvRows(file);
    case ".parquet":
      return parquetRows(file, columns);
    default:
      throw new UserError(
        `${file}: annotations of this kind are not supported`,
        "Name a .json, .jsonl, .tsv or .parquet file as the benchmark's authors publish it.",
      );
  }
}
