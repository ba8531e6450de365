/** @file Prints evaluations for `grit eval`: tables in every format, and comparisons. */
import { join } from "node:path";
import { compareEvaluations } from "../evaluation/compare-evaluations.ts";
import type { Evaluation } from "../evaluation/manifest.ts";
import { readEvaluations, readOneEvaluation } from "../evaluation/read-evaluations.ts";
import { comparisonText } from "../report/eval-comparison.ts";
import { evaluationPage } from "../report/eval-page.ts";
import { csvTable, markdownTable, terminalTable } from "../report/eval-table.ts";
import { paperTable } from "../tables/paper-table.ts";
import { UserError } from "../util/errors.ts";
import { writeWhole } from "../util/files.ts";

export const FORMATS = ["text", "markdown", "csv", "html"] as const;

export interface TableOptions {
  readonly format: (typeof FORMATS)[number];
  readonly paper?: boolean;
}

/** Prints the table of the evaluations in some folders. */
export async function printTable(dirs: readonly string[], { format, paper = false }: TableOptions): Promise<void> {
  const evaluations = readEvaluations(dirs);
  const table = paperTable(evaluations, { published: paper });
  const formats = {
    text: () => terminalTable(table),
    markdown: () => markdownTable(table),
    csv: () => csvTable(table),
    html: () => evaluationPage(table, evaluations),
  };
  console.log(await formats[format]());
}

/** Prints the table of one evaluation that was just made. */
export function printRow(evaluation: Evaluation, { paper = false }: TableOptions): void {
  console.log(terminalTable(paperTable([evaluation], { published: paper })));
}

/** Writes the table of some rows in every format beside them, and prints it. */
export async function writeTables(
  out: string,
  rows: readonly string[],
  { paper = false }: TableOptions,
): Promise<void> {
  const evaluations = readEvaluations(rows);
  const table = paperTable(evaluations, { published: paper });
  const write = (name: string, text: string) => writeWhole(join(out, name), `${text}\n`);
  write("table.md", markdownTable(table));
  write("table.csv", csvTable(table));
  write("report.html", await evaluationPage(table, evaluations));
  console.log(`${terminalTable(table)}\n\n${join(out, "report.html")}`);
}

/** Prints two evaluations beside each other. @throws UserError when there are not two */
export function compare(dirs: readonly string[]): void {
  if (dirs.length !== 2)
    throw new UserError(`--compare takes two folders, not ${dirs.length}.`, "Name two evaluations.");
  const [before, after] = [readOneEvaluation(dirs[0]!), readOneEvaluation(dirs[1]!)];
  console.log(comparisonText(before, after, compareEvaluations(before, after)));
}
