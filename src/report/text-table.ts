/** @file The two tables of a run for the terminal, narrow enough for 80 columns or little more. */

import type { Change, Row, SetChange, Summary } from "../run/lines.ts";
import { table } from "../util/table.ts";
import { fraction, fractionGain, known, partial, percent, points } from "./number-format.ts";

/** Held-out accuracy (%) and grounding IoU before and after training, with the 95 % interval of the paired gain. */
export function beforeAfterTable(summary: Summary): string {
  const sets = Object.entries(summary.sets ?? {});
  const block = (title: string, metric: "acc" | "giou") => {
    const [value, gain] = metric === "acc" ? [percent, points] : [fraction, fractionGain];
    const lines = sets.flatMap(([name, set]) => {
      const change = set[metric];
      const coverage = coverageOf(set, metric);
      if (coverage !== undefined) return [[name, String(set.n), "–", "–", "–", partial(coverage), ""]];
      if (!change) return [];
      const interval = `${gain(change.low)} … ${gain(change.high)}`;
      return [
        [name, String(set.n), value(change.before), value(change.after), gain(change.gain), interval, arrow(change)],
      ];
    });
    return lines.length > 0 ? [table([[title, "n", "before", "after", "gain", "95 %", ""], ...lines])] : [];
  };
  const blocks = [...block("accuracy, %", "acc"), ...block("grounding IoU", "giou")];
  return blocks.join("\n\n") || "No set was evaluated before and after.";
}

/** Every way of asking, a line each: accuracy (%) with its 95 % interval, then IoU of the sets that have boxes. */
export function rowsTable(summary: Summary): string {
  const rows = summary.rows ?? [];
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.sets)))];
  const block = (title: string, metric: "acc" | "giou", cell: (set: Row["sets"][string] | undefined) => string) => {
    const sets = names.filter((name) =>
      rows.some(({ sets: { [name]: set } }) => known(set?.[metric]) || coverageOf(set, metric) !== undefined),
    );
    if (sets.length === 0) return [];
    return [table([[title, ...sets], ...rows.map((row) => [row.name, ...sets.map((name) => cell(row.sets[name]))])])];
  };
  const blocks = [
    ...block("accuracy, %", "acc", (set) => {
      if (set?.coverage !== undefined) return partial(set.coverage);
      const interval =
        known(set?.accLow) && known(set.accHigh) ? ` (${percent(set.accLow)}–${percent(set.accHigh)})` : "";
      return percent(set?.acc) + interval;
    }),
    ...block("grounding IoU", "giou", (set) => fraction(set?.giou)),
  ];
  return blocks.join("\n\n") || "No reference rows were evaluated.";
}

/** The coverage of a partial number; only accuracies can be partial. */
function coverageOf(set: Row["sets"][string] | SetChange | undefined, metric: "acc" | "giou"): number | undefined {
  return metric === "acc" ? set?.coverage : undefined;
}

/** ▲ when the whole interval is above zero, ▼ when it is below. */
function arrow(change: Change): string {
  return change.low > 0 ? "▲" : change.high < 0 ? "▼" : "·";
}
