/** @file A table of evaluations for the terminal, as Markdown and as CSV. */
import { type Cell, type Metric, metricsOf, type Table, tableNotes } from "../eval/paper-table.ts";
import { fraction, percent } from "./format.ts";

const TITLE: Readonly<Record<Metric, string>> = { acc: "ACC", giou: "IoU" };

/** A number as the table prints it, without its interval: `85.1`, `0.718`, `partial 40 %`, `–`. */
export function cellText(cell: Cell | undefined, metric: Metric): string {
  if (cell?.value === null) return `partial ${Math.floor(100 * cell.coverage)} %`;
  return (metric === "acc" ? percent : fraction)(cell?.value?.mean);
}

/** Half the width of a number's interval: `±2.9`. Empty without one. */
export function halfWidth(cell: Cell | undefined, metric: Metric): string {
  const { low, high } = cell?.value ?? {};
  if (low === undefined || high === undefined) return "";
  return `±${(metric === "acc" ? percent : fraction)((high - low) / 2)}`;
}

/** Name of a row, with the seeds behind it where there are several. */
export function rowTitle({ name, seeds }: { readonly name: string; readonly seeds: number }): string {
  return seeds > 1 ? `${name} (${seeds} seeds)` : name;
}

/** Two heading lines, then two lines a row: the numbers, and half the widths of their 95 % intervals. */
export function terminalTable(data: Table): string {
  const columns = columnsOf(data);
  const body = data.rows.flatMap((row) => {
    const line = (of: typeof cellText) => columns.map(({ set, metric }) => of(row.cells[set]?.[metric], metric));
    const spread = line(halfWidth);
    return [[rowTitle(row), ...line(cellText)], ...(spread.some((text) => text !== "") ? [["  95 %", ...spread]] : [])];
  });
  const heads = [["", ...columns.map(({ metric }) => TITLE[metric])], ...body];
  const widths = [0, ...columns.map((_, i) => i + 1)].map((i) => Math.max(...heads.map((cells) => cells[i]!.length)));
  const groups = data.sets.map(({ name, samples }) => {
    const own = columns.flatMap(({ set }, i) => (set === name ? [i + 1] : []));
    const title = `${name} (${samples})`;
    const room = own.reduce((sum, i) => sum + widths[i]! + 2, -2);
    if (own.length > 0) widths[own[0]!]! += Math.max(0, title.length - room);
    return { title, width: Math.max(room, title.length), own };
  });
  const top = groups.filter(({ own }) => own.length > 0).map(({ title, width }) => title.padStart(width));
  const text = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join("  ");
  const rule = "─".repeat(text(heads[0]!).length);
  const lines = [["".padEnd(widths[0]!), ...top].join("  "), text(heads[0]!), rule, ...body.map(text)];
  return [...lines.map((line) => line.trimEnd()), "", ...tableNotes(data)].join("\n");
}

/** `51.7 ±5.7` in every cell. */
export function markdownTable(data: Table): string {
  const columns = columnsOf(data);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rows = data.rows.map((row) => {
    const cells = columns.map(({ set, metric }) => {
      const cell = row.cells[set]?.[metric];
      return `${cellText(cell, metric)} ${halfWidth(cell, metric)}`.trim();
    });
    return line([rowTitle(row), ...cells]);
  });
  const samples = new Map(data.sets.map((set) => [set.name, set.samples]));
  const head = columns.map(({ set, metric }) => `${set} (${samples.get(set)}) ${TITLE[metric]}`);
  return [
    line(["method", ...head]),
    line(["---", ...columns.map(() => "---:")]),
    ...rows,
    "",
    ...tableNotes(data),
  ].join("\n");
}

/** Each number with its ends and its coverage in columns of their own, ACC and IoU as shares; a partial number is empty. */
export function csvTable(data: Table): string {
  const columns = columnsOf(data);
  const head = columns.flatMap(({ set, metric }) =>
    ["", " low", " high", " coverage"].map((part) => `${set} ${TITLE[metric]}${part}`),
  );
  const rows = data.rows.map((row) => [
    row.name,
    String(row.seeds),
    ...columns.flatMap(({ set, metric }) => {
      const cell = row.cells[set]?.[metric];
      const { mean, low, high } = cell?.value ?? {};
      return [mean, low, high, cell?.coverage].map((value) => (value === undefined ? "" : String(value)));
    }),
  ]);
  return [["method", "seeds", ...head], ...rows].map((cells) => cells.map(quoted).join(",")).join("\n");
}

/** The columns that any row fills, in the order of the sets. */
export function columnsOf(data: Table): { set: string; metric: Metric }[] {
  return data.sets.flatMap(({ name }) => metricsOf(data, name).map((metric) => ({ set: name, metric })));
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
