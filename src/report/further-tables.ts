/**
 * @file The tables below the paper's, a row for each set and each method: metrics measured beside the paper's, and questions of
 * one kind.
 */
import { KIND_NAMES, KINDS, type Kind, type KindCells } from "../tables/kinds.ts";
import { FURTHER_METRICS, metricsOf, type SetCells, type Table } from "../tables/paper-table.ts";
import { FORM, rowTitle, titleWithUnit, wholeText } from "./eval-cells.ts";

export interface FurtherTable {
  /** Names of the columns: the table's own above the methods, `set`, and those of its numbers. */
  readonly heads: readonly string[];
  /** A note for the reader. */
  readonly note: string;
  /** Cells by column. The rows of one set stand together. */
  readonly rows: readonly (readonly string[])[];
}

/** The further metrics that any row has, then a table of each kind of question that any row was asked. */
export function furtherTables(table: Table): FurtherTable[] {
  return [metricTable(table), ...KIND_NAMES.map((kind) => kindTable(table, kind))].filter(
    ({ rows }) => rows.length > 0,
  );
}

function metricTable(table: Table): FurtherTable {
  const metrics = FURTHER_METRICS.filter((metric) =>
    table.sets.some(({ name }) => metricsOf(table, name, [metric]).length > 0),
  );
  const rows = linesOf(table, (cells, set) =>
    metrics.some((metric) => cells[metric])
      ? [[set, ...metrics.map((metric) => wholeText(cells[metric], FORM[metric]))]]
      : [],
  );
  return {
    heads: ["also measured", "set", ...metrics.map(titleWithUnit)],
    note:
      "also measured: ACC with every score made 0 or 1, which it is from 0.5; IoU as the original script computes it, Qwen's boxes " +
      "without rescaling, for comparing with published IoU; F1 of the sets of boxes, paired one to one at an IoU of 0.5; in detection " +
      "sets Acc@0.5, the share of answers whose first box has an IoU of at least 0.5 with the one asked for, and the mean of that IoU.",
    rows,
  };
}

function kindTable(table: Table, kind: Kind): FurtherTable {
  const { title, numbers, note } = KINDS[kind];
  const line = (name: string, cells: KindCells) => [
    name,
    cells.n === undefined ? "–" : String(cells.n),
    ...cells.numbers.map((cell, i) => wholeText(cell, numbers[i]!.form)),
  ];
  const rows = linesOf(table, ({ [kind]: cells, types = {} }, set) => [
    ...(cells ? [line(set, cells)] : []),
    ...(kind === "rating" ? Object.entries(types).map(([type, ofType]) => line(type, ofType)) : []),
  ]);
  return { heads: [title, "set", "n", ...numbers.map(({ name }) => name)], note, rows };
}

/** What is said of each set and row, line by line, each with its row's title before it. */
function linesOf({ sets, rows }: Table, say: (cells: SetCells, set: string) => string[][]): string[][] {
  return sets.flatMap(({ name }) =>
    rows.flatMap((row) => say(row.cells[name] ?? {}, name).map((line) => [rowTitle(row), ...line])),
  );
}
