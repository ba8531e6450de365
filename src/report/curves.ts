/** @file The training curves: small charts over the steps of a run, below the alarms. */

import type { Metrics } from "../run/lines.ts";
import { numbersIn } from "../run/metric-names.ts";
import { alarmTable } from "./alarm-table.ts";
import { chartGrid, lineChart, smoothing } from "./chart.ts";
import { BAND_NOTE, CHARTED, type Charted, linesOf } from "./charted.ts";
import { type Html, html } from "./html.ts";
import { compact, fraction, known, type Maybe } from "./number-format.ts";

/** The alarms, and small charts over the steps of training. Quantities no step has are left out. */
export function curvesSection(metrics: readonly Metrics[]): Html {
  const steps = metrics.map((line) => line.step);
  const numbers = metrics.map(numbersIn);
  const names = [...new Set(numbers.flatMap((line) => Object.keys(line)))];
  const charts = CHARTED.map((charted) => {
    const values = (of: string): Maybe[] => numbers.map((line) => scaled(line[of], charted.unit));
    return lineChart({
      title: charted.title,
      note: charted.spread === undefined ? charted.note : charted.note + BAND_NOTE,
      steps,
      series: linesOf(charted, names).map(({ name, of }) => ({ name, values: values(of) })),
      ...(charted.spread !== undefined && { spread: values(charted.spread) }),
      format: formatOf(charted),
    });
  });
  const window = smoothing(steps.length);
  return html`<section id="training"><h2>Training</h2>
    <p class="lead">${steps.length} steps.${window > 1 && ` Strong lines are means over ${window} steps, faint ones the raw values.`}
      Numbers are those of the last step; point at a chart to read every chart at another.</p>
    ${alarmTable(metrics)}
    ${chartGrid(steps, charts)}</section>`;
}

function scaled(value: Maybe, unit: Charted["unit"]): Maybe {
  return unit === "percent" && known(value) ? value * 100 : value;
}

function formatOf({ unit }: Charted): (value: Maybe) => string {
  if (unit === "fraction") return fraction;
  return unit === "percent" ? (value) => (known(value) ? value.toFixed(1) : "–") : compact;
}
