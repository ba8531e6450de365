/** @file A table of evaluations for the terminal, as Markdown and as CSV. */
import type { Cell } from "../tables/cells.ts";
import { KIND_NAMES, KINDS, type Kind, type KindCells } from "../tables/kinds.ts";
import {
  FURTHER_METRICS,
  metricsOf,
  PAPER_METRICS,
  type Table,
  type TableMetric,
  type TableRow,
  type TableSet,
  tableNotes,
} from "../tables/paper-table.ts";
import { lineWidth, stretches, table } from "../util/table.ts";
import { cellText, FORM, halfWidth, rowTitle, samplesText, TITLE, wholeText } from "./eval-cells.ts";
import { furtherTables } from "./further-tables.ts";

/**
 * The paper's table: two heading lines, then two lines a row, with the numbers and half the widths of their 95 % intervals. Sets
 * that do not fit into `width` follow below. Then come the further metrics, and a table for each kind of question.
 */
export function terminalTable(data: Table, width = lineWidth()): string {
  const sets = data.sets.filter(({ name }) => metricsOf(data, name, PAPER_METRICS).length > 0);
  const fits = (part: readonly TableSet[]) => setsTable(data, part).every((line) => line.length <= width);
  const parts = sets.length > 0 ? stretches(sets, fits) : [[]];
  const further = furtherTables(data).flatMap(({ heads, rows, note }) => [
    "",
    table([heads, ...rows], { width, keys: 2 }),
    "",
    note,
  ]);
  return [parts.map((part) => setsTable(data, part).join("\n")).join("\n\n"), "", ...tableNotes(data), ...further].join(
    "\n",
  );
}

/** The lines of the paper's table for some of its sets. */
function setsTable(data: Table, sets: readonly TableSet[]): string[] {
  const columns = columnsOf({ ...data, sets });
  const body = data.rows.flatMap((row) => {
    const line = (of: typeof cellText) => columns.map(({ set, metric }) => of(row.cells[set]?.[metric], FORM[metric]));
    const spread = line(halfWidth);
    return [[rowTitle(row), ...line(cellText)], ...(spread.some((text) => text !== "") ? [["  95 %", ...spread]] : [])];
  });
  const heads = [["", ...columns.map(({ metric }) => TITLE[metric])], ...body];
  const widths = [0, ...columns.map((_, i) => i + 1)].map((i) => Math.max(...heads.map((cells) => cells[i]!.length)));
  const groups = sets.map(({ name, ...size }) => {
    const own = columns.flatMap(({ set }, i) => (set === name ? [i + 1] : []));
    const title = `${name} (${samplesText(size)})`;
    const room = own.reduce((sum, i) => sum + widths[i]! + 2, -2);
    if (own.length > 0) widths[own[0]!]! += Math.max(0, title.length - room);
    return { title, width: Math.max(room, title.length), own };
  });
  const top = groups.filter(({ own }) => own.length > 0).map(({ title, width }) => title.padStart(width));
  const text = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join("  ");
  const rule = "─".repeat(text(heads[0]!).length);
  const lines = [["".padEnd(widths[0]!), ...top].join("  "), text(heads[0]!), rule, ...body.map(text)];
  return lines.map((line) => line.trimEnd());
}

/** `51.7 ±5.7` in every cell; the further tables below the paper's. */
export function markdownTable(data: Table): string {
  const columns = columnsOf(data);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const further = furtherTables(data).flatMap(({ heads, rows, note }) => [
    "",
    line(heads),
    line(["---", "---", ...heads.slice(2).map(() => "---:")]),
    ...rows.map(line),
    "",
    note,
  ]);
  const rows = data.rows.map((row) =>
    line([rowTitle(row), ...columns.map(({ set, metric }) => wholeText(row.cells[set]?.[metric], FORM[metric]))]),
  );
  const samples = new Map(data.sets.map((set) => [set.name, samplesText(set)]));
  const head = columns.map(({ set, metric }) => `${set} (${samples.get(set)}) ${TITLE[metric]}`);
  return [
    line(["method", ...head]),
    line(["---", ...columns.map(() => "---:")]),
    ...rows,
    "",
    ...tableNotes(data),
    ...further,
  ].join("\n");
}

/**
 * Each number, the ends of its interval and its coverage have columns of their own, all but the counts as shares; a partial number
 * is empty. First come the paper's columns, then the further metrics, then the kinds of questions, and last the sizes of sets that
 * were not asked whole.
 */
export function csvTable(data: Table): string {
  const columns = [
    ...metricColumns(data, PAPER_METRICS),
    ...metricColumns(data, FURTHER_METRICS),
    ...kindColumns(data),
    ...limitColumns(data),
  ];
  const rows = data.rows.map((row) => [row.name, row.seeds, ...columns.map(({ value }) => value(row.cells))]);
  return [["method", "seeds", ...columns.map(({ head }) => head)], ...rows]
    .map((cells) => cells.map((cell) => quoted(String(cell ?? ""))).join(","))
    .join("\n");
}

/** One column of the CSV. */
interface Column {
  readonly head: string;
  readonly value: (cells: TableRow["cells"]) => number | undefined;
}

function metricColumns(data: Table, metrics: readonly TableMetric[]): Column[] {
  return columnsOf(data, metrics).flatMap(({ set, metric }) =>
    numberColumns(`${set} ${TITLE[metric]}`, (cells) => cells[set]?.[metric]),
  );
}

function kindColumns({ sets, rows }: Table): Column[] {
  return sets.flatMap(({ name: set }) => {
    const types = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells[set]?.types ?? {})))];
    return [
      ...KIND_NAMES.filter((kind) => rows.some(({ cells }) => cells[set]?.[kind])).flatMap((kind) =>
        columnsOfKind(set, kind, (cells) => cells[set]?.[kind]),
      ),
      ...types.flatMap((type) => columnsOfKind(`${set} ${type}`, "rating", (cells) => cells[set]?.types?.[type])),
    ];
  });
}

function columnsOfKind(name: string, kind: Kind, of: (cells: TableRow["cells"]) => KindCells | undefined): Column[] {
  const { title, numbers } = KINDS[kind];
  return [
    { head: `${name} ${title} n`, value: (cells) => of(cells)?.n },
    ...numbers.flatMap((number, i) =>
      numberColumns(`${name} ${title} ${number.name}`, (cells) => of(cells)?.numbers[i]),
    ),
  ];
}

/** Of a set of which only the first samples were asked: how many they are, and how many it has. */
function limitColumns({ sets }: Table): Column[] {
  return sets.flatMap(({ name, samples, of }) =>
    of === undefined
      ? []
      : [
          { head: `${name} first`, value: () => samples },
          { head: `${name} of`, value: () => of },
        ],
  );
}

function numberColumns(head: string, cellIn: (cells: TableRow["cells"]) => Cell | undefined): Column[] {
  return [
    { head, value: (cells) => cellIn(cells)?.value?.mean },
    { head: `${head} low`, value: (cells) => cellIn(cells)?.value?.low },
    { head: `${head} high`, value: (cells) => cellIn(cells)?.value?.high },
    { head: `${head} coverage`, value: (cells) => cellIn(cells)?.coverage },
  ];
}

/** The columns of some metrics that any row fills, in the order of the sets. */
export function columnsOf(
  data: Table,
  metrics: readonly TableMetric[] = PAPER_METRICS,
): { set: string; metric: TableMetric }[] {
  return data.sets.flatMap(({ name }) => metricsOf(data, name, metrics).map((metric) => ({ set: name, metric })));
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
