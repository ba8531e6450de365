/**
 * @file The tables below the paper's, a row for each set and each method: metrics measured beside the paper's, and questions of
 * one kind.
 */
import { KIND_NAMES, KINDS, type Kind } from "../tables/kinds.ts";
import { FURTHER_METRICS, metricsOf, type SetCells, type Table } from "../tables/paper-table.ts";
import { rowTitle, titleWithUnit, wholeText } from "./eval-cells.ts";

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
  const rows = linesOf(table, (cells) =>
    metrics.some((metric) => cells[metric]) ? metrics.map((metric) => wholeText(cells[metric], metric)) : undefined,
  );
  return {
    heads: ["also measured", "set", ...metrics.map(titleWithUnit)],
    note:
      "also measured: ACC with every score made 0 or 1, which it is from 0.5; IoU as the original script computes it, Qwen's boxes " +
      "without rescaling, for comparing with published IoU; F1 of the sets of boxes, paired one to one at an IoU of 0.5.",
    rows,
  };
}

function kindTable(table: Table, kind: Kind): FurtherTable {
  const { title, numbers, note } = KINDS[kind];
  const rows = linesOf(table, ({ [kind]: cells }) =>
    cells
      ? [cells.n === undefined ? "–" : String(cells.n), ...cells.numbers.map((cell) => wholeText(cell, "choice"))]
      : undefined,
  );
  return { heads: [title, "set", "n", ...numbers], note, rows };
}

/** A line for each set and row that has numbers. */
function linesOf({ sets, rows }: Table, say: (cells: SetCells) => string[] | undefined): string[][] {
  return sets.flatMap(({ name }) =>
    rows.flatMap((row) => {
      const said = say(row.cells[name] ?? {});
      return said ? [[rowTitle(row), name, ...said]] : [];
    }),
  );
}
