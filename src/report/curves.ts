/** @file The training curves: which quantities of `metrics.jsonl` are charted, each with a caption, below the alarms. */

import type { Metrics } from "../run/lines.ts";
import { alarmTable } from "./alarm-table.ts";
import { type Chart, chartGrid, lineChart, smoothing } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { fraction, known, type Maybe } from "./number-format.ts";

type Reading = (line: Metrics) => Maybe;
type Extras = Partial<Pick<Chart, "spread" | "format">>;

/** The alarms, and small charts over the steps of training. Quantities no step has are left out. */
export function curvesSection(metrics: readonly Metrics[]): Html {
  const steps = metrics.map((line) => line.step);
  const chart = (title: string, note: string, lines: Record<string, Reading>, extras?: Extras): Html | undefined => {
    const series = Object.entries(lines).map(([name, pick]) => ({ name, values: metrics.map(pick) }));
    return lineChart({ title, note, steps, series, ...extras });
  };
  const named = (names: readonly string[], value: (line: Metrics, name: string) => Maybe) =>
    Object.fromEntries(names.map((name) => [name, (line: Metrics) => value(line, name)]));
  const terms = keysOf(metrics, (line) => line.reward?.terms);
  const phases = keysOf(metrics, (line) => line.seconds).filter((name) => name !== "total");

  const charts = [
    chart(
      "Reward",
      "mean of the chains; band: one standard deviation",
      { reward: (m) => m.reward?.mean },
      { spread: metrics.map((m) => m.reward?.std) },
    ),
    chart(
      "Reward by term",
      "mean of each term",
      named(terms, (m, name) => m.reward?.terms?.[name]),
    ),
    chart(
      "Accuracy in training",
      "% of sampled chains",
      { accuracy: hundred((m) => m.accuracy) },
      { format: percentage },
    ),
    chart("Grounding IoU in training", "watched, never rewarded", { IoU: (m) => m.giou }, { format: fraction }),
    chart("Boxes per chain", "and how many of them are flawed", {
      boxes: (m) => m.boxes?.perChain,
      duplicate: (m) => m.boxes?.duplicate,
      degenerate: (m) => m.boxes?.degenerate,
      outside: (m) => m.boxes?.outOfBounds,
    }),
    chart(
      "Well-formed chains",
      "%: think, rethink, answer in order",
      { share: hundred((m) => m.wellFormed) },
      { format: percentage },
    ),
    chart(
      "Effective groups",
      "% of groups whose rewards differ: only these teach",
      { share: hundred((m) => m.advantage?.effectiveGroups) },
      { format: percentage },
    ),
    chart("KL to the base", "k3 estimate, nats a token", { KL: (m) => m.kl }),
    chart("Entropy", "of the policy, nats a token", { entropy: (m) => m.entropy }),
    chart("Length", "tokens a chain", { mean: (m) => m.length?.mean, longest: (m) => m.length?.max }),
    chart(
      "Cut off",
      "% of chains ended by the token limit",
      { share: hundred((m) => m.ending?.length) },
      { format: percentage },
    ),
    chart("Gradient norm", "before clipping", { norm: (m) => m.gradNorm }),
    chart("Sampling against training", "gap of a token's two log-probabilities", {
      mean: (m) => m.mismatch?.mean,
      largest: (m) => m.mismatch?.max,
    }),
    chart("Learning rate", "AdamW", { rate: (m) => m.lr }),
    chart(
      "Seconds a step",
      "by phase",
      named(phases, (m, name) => m.seconds?.[name]),
    ),
  ];
  const window = smoothing(steps.length);
  return html`<section id="training"><h2>Training</h2>
    <p class="lead">${steps.length} steps.${window > 1 && ` Strong lines are means over ${window} steps, faint ones the raw values.`}
      Numbers are those of the last step; point at a chart to read every chart at another.</p>
    ${alarmTable(metrics)}
    ${chartGrid(steps, charts)}</section>`;
}

function hundred(read: Reading): Reading {
  return (line) => {
    const share = read(line);
    return known(share) ? share * 100 : null;
  };
}

function percentage(value: Maybe): string {
  return known(value) ? value.toFixed(1) : "–";
}

function keysOf(metrics: readonly Metrics[], pick: (line: Metrics) => object | undefined): string[] {
  return [...new Set(metrics.flatMap((line) => Object.keys(pick(line) ?? {})))];
}
