/** @file The tables below the paper's: questions of one kind, a row for each set that has them and each method. */
import { KIND_NAMES, KINDS, type KindCells } from "../eval/kinds.ts";
import type { Table } from "../eval/paper-table.ts";
import { rowTitle, wholeText } from "./eval-cells.ts";

export interface KindTable {
  /** Names of the columns: the kind's own above the methods, `set`, `n`, and its numbers. */
  readonly heads: readonly string[];
  /** What a reader must know of it. */
  readonly note: string;
  /** The rows of one set stand together. */
  readonly rows: readonly ({ readonly title: string; readonly set: string } & KindCells)[];
}

/** A table of each kind of question that any row was asked. */
export function kindTables({ sets, rows }: Table): KindTable[] {
  return KIND_NAMES.flatMap((kind) => {
    const found = sets.flatMap(({ name: set }) =>
      rows.flatMap((row) => {
        const cells = row.cells[set]?.[kind];
        return cells ? [{ title: rowTitle(row), set, ...cells }] : [];
      }),
    );
    const { title, numbers, note } = KINDS[kind];
    return found.length > 0 ? [{ heads: [title, "set", "n", ...numbers], note, rows: found }] : [];
  });
}

/** A row as text, by the table's columns. */
export function kindLine({ title, set, n, numbers }: KindTable["rows"][number]): string[] {
  return [title, set, n === undefined ? "–" : String(n), ...numbers.map((cell) => wholeText(cell, "acc"))];
}
