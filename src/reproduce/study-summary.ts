/** @file A study's result: as JSON, as a table in Markdown and for the terminal, and its figures. */
import { join } from "node:path";
import type { Interval } from "../evaluation/statistics.ts";
import { fraction, fractionGain, percent, points } from "../report/number-format.ts";
import { writeWhole } from "../util/files.ts";
import { table } from "../util/table.ts";
import type { Family, Scale } from "./scale.ts";
import type { Direction, Findings, Gain, NumberForm, Study } from "./study.ts";

/** What `summary.json` holds. */
export interface Summary {
  readonly study: string;
  readonly title: string;
  readonly size: Scale["name"];
  readonly seeds: readonly number[];
  /** Samples of each set; null where it is all. */
  readonly limit: number | null;
  readonly columns: Findings["columns"];
  /** By column: the mean with its 95 % interval; null where an arm has none. */
  readonly arms: readonly Row<Interval>[];
  /** The paper's numbers, shares in [0, 1]. */
  readonly paper: readonly Omit<Row<number>, "seeds">[];
  readonly gains: readonly (OfFamily & Gain)[];
  readonly direction: readonly (OfFamily & Direction)[];
  readonly notes: readonly string[];
}

interface OfFamily {
  readonly family: Family;
}

interface Row<Number> extends OfFamily {
  readonly name: string;
  readonly seeds: number;
  readonly numbers: Readonly<Record<string, Number | null>>;
}

/** What a study has found in one family. */
export interface Found {
  readonly scale: Scale;
  readonly findings: Findings;
}

/** The result of a study in one family or several. */
export function summaryOf({ name, title }: Study, found: readonly [Found, ...Found[]]): Summary {
  const [{ scale, findings }] = found;
  const { name: size, seeds, limit = null } = scale;
  const { columns } = findings;
  const byColumn = <T>(numbers: readonly T[]) =>
    Object.fromEntries(columns.map((column, i) => [column.name, numbers[i] ?? null]));
  const each = <T>(of: (findings: Findings) => readonly T[]) =>
    found.flatMap(({ scale: { family }, findings }) => of(findings).map((item) => ({ family, ...item })));
  return {
    study: name,
    title,
    size,
    seeds,
    limit,
    columns,
    arms: each(({ arms }) => arms).map((arm) => ({ ...arm, numbers: byColumn(arm.numbers) })),
    paper: each(({ paper }) => paper).map((row) => ({ ...row, numbers: byColumn(row.numbers) })),
    gains: each(({ gains }) => gains),
    direction: each(({ direction }) => [direction]),
    notes: [...new Set(found.flatMap(({ findings: { notes } }) => notes)), ...notesOn(scale, findings)],
  };
}

/** Writes `summary.json`, `table.md` and the figures into a folder. */
export function writeSummary(dir: string, summary: Summary, found: readonly Found[]): void {
  writeWhole(join(dir, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  writeWhole(join(dir, "table.md"), markdown(summary));
  for (const { scale, findings } of found)
    if (findings.figure !== undefined) writeWhole(join(dir, `${summary.study}-${scale.family}.svg`), findings.figure);
}

/** The table, the gains and the direction, for the terminal. */
export function printed(summary: Summary): string {
  const gains = gainLines(summary);
  return [
    summary.title,
    "",
    table(cells(summary)),
    "",
    ...(gains.length > 0 ? [table(gains), ""] : []),
    ...sentences(summary),
    ...summary.notes,
  ].join("\n");
}

function markdown(summary: Summary): string {
  const gains = gainLines(summary);
  const parts = [
    `# ${summary.title}`,
    sentences(summary).join("\n"),
    lines(cells(summary)),
    ...(gains.length > 0 ? [lines(gains)] : []),
    summary.notes.map((note) => `- ${note}`).join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

function sentences(summary: Summary): string[] {
  return summary.direction.map(({ family, sentence }) => ofFamily(summary, family, sentence));
}

/** Says whose it is, where there are several families. */
function ofFamily({ direction }: Summary, family: Family, text: string): string {
  return direction.length > 1 ? `${family}: ${text}` : text;
}

function lines([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;
  return [line(head!), line(head!.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Arms, then the paper's rows; the first row holds the names of the columns. */
function cells(summary: Summary): string[][] {
  const { columns, arms, paper } = summary;
  return [
    ["", ...columns.map(({ name }) => name)],
    ...arms.map(({ family, name, seeds, numbers }) => [
      ofFamily(summary, family, seeds > 1 ? `${name} (${seeds} seeds)` : name),
      ...columns.map((column) => cell(numbers[column.name] ?? null, column.form)),
    ]),
    ...paper.map(({ family, name, numbers }) => [
      ofFamily(summary, family, name),
      ...columns.map((column) => written(numbers[column.name] ?? null, column.form)),
    ]),
  ];
}

/** `71.2 ±3.1`, the half of the interval. */
function cell(interval: Interval | null, form: NumberForm): string {
  if (!interval) return "–";
  const { mean, low, high } = interval;
  return high > low ? `${written(mean, form)} ±${written((high - low) / 2, form)}` : written(mean, form);
}

function written(value: number | null, form: NumberForm): string {
  if (value === null) return "–";
  return form === "percent" ? percent(value) : form === "fraction" ? fraction(value) : String(Number(value.toFixed(1)));
}

/** What arms differ by; empty where nothing is compared. */
function gainLines(summary: Summary): string[][] {
  const lines = summary.gains.map(({ family, column, from, to, gain }) => {
    const isFraction = summary.columns.find(({ name }) => name === column)?.form === "fraction";
    const signed = isFraction ? fractionGain : points;
    const interval = `${signed(gain.low)} to ${signed(gain.high)}`;
    return [ofFamily(summary, family, `${from} to ${to}`), column, signed(gain.mean), interval];
  });
  return lines.length > 0 ? [["difference", "in", "by", "95 %"], ...lines] : [];
}

/** What to know of intervals, where there are any, and of how much was asked. */
function notesOn({ seeds, limit }: Scale, { arms }: Findings): string[] {
  const hasIntervals = arms.some(({ numbers }) => numbers.some((interval) => interval && interval.high > interval.low));
  return [
    ...(hasIntervals
      ? ["±: half of the 95 % interval. Over several seeds, seeds and samples are resampled together."]
      : []),
    ...(hasIntervals && seeds.length < 3
      ? [
          `${seeds.length === 1 ? "One seed: intervals say nothing" : "Two seeds: intervals say little"} of how far trainings differ. Take three for more than a first look.`,
        ]
      : []),
    ...(limit === undefined ? [] : [`Of each set the first ${limit} samples.`]),
  ];
}
