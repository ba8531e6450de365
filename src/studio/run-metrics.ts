/** @file The metrics of a run as columns over its steps, kept up with `metrics.jsonl` as it grows. */

import { join } from "node:path";
import { metricsSchema } from "../run/lines.ts";
import { numbersIn } from "../run/metric-names.ts";
import { eachOnce } from "./each-once.ts";
import { IndexedLines } from "./indexed-lines.ts";
import { parseLine } from "./parse-line.ts";
import type { MetricColumns, RungAlarm } from "./studio-data.ts";

/** What is remembered of a line. */
interface StepNumbers {
  readonly step: number;
  readonly numbers: Readonly<Record<string, number | null>>;
  readonly alarms: readonly RungAlarm[];
}

/** The metrics of one run. */
export class RunMetrics {
  readonly #lines: IndexedLines<StepNumbers>;

  constructor(run: string) {
    this.#lines = new IndexedLines(join(run, "metrics.jsonl"), digest);
  }

  /** Looks at the file again; whether it has changed. */
  refresh(): Promise<boolean> {
    return this.#lines.refresh();
  }

  /** The steps after `after`, and the columns over them; all there are, unless some are named. */
  columns({
    after = Number.NEGATIVE_INFINITY,
    names,
  }: {
    after?: number | undefined;
    names?: readonly string[] | undefined;
  } = {}): MetricColumns {
    const rows = this.#rows().filter(({ step }) => step > after);
    const all = new Set<string>();
    for (const { numbers } of rows) for (const name in numbers) all.add(name);
    const wanted = [...all].filter((name) => names?.includes(name) ?? true);
    return {
      steps: rows.map(({ step }) => step),
      columns: Object.fromEntries(wanted.map((name) => [name, rows.map(({ numbers }) => numbers[name] ?? null)])),
      alarms: eachOnce(rows.flatMap(({ alarms }) => alarms)),
      damaged: this.#lines.facts.flatMap((fact, i) => (fact ? [] : [i + 1])),
    };
  }

  /** In order of steps; a step that was written again counts once, the last line wins. */
  #rows(): StepNumbers[] {
    const rows = this.#lines.facts.filter((fact) => fact !== undefined);
    if (rows.every(({ step }, i) => i === 0 || rows[i - 1]!.step < step)) return rows;
    return [...new Map(rows.map((row) => [row.step, row])).values()].sort((a, b) => a.step - b.step);
  }
}

function digest(text: string): StepNumbers | undefined {
  const line = parseLine(text, metricsSchema);
  if (!line) return undefined;
  const numbers = numbersIn(line);
  // Six digits are more than a curve shows, and half as much to send.
  for (const [name, value] of Object.entries(numbers)) {
    if (value) numbers[name] = sixDigits(value);
  }
  const alarms = (line.alarms ?? []).map(({ name, since, message, remedy }) => ({ name, since, message, remedy }));
  return { step: line.step, numbers, alarms };
}

/** Rounded by arithmetic: by way of text it takes longer than reading the file. */
function sixDigits(value: number): number {
  const scale = 10 ** (5 - Math.floor(Math.log10(Math.abs(value))));
  return Number.isFinite(scale) && scale > 0 ? Math.round(value * scale) / scale : value;
}
