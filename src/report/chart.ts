/**
 * @file Line charts as inline SVG, drawn by hand: an axis with round numbers, a faint raw line, a smoothed line over it,
 * and each series' last value in the legend. The page's script moves one cursor through all charts at once.
 */

import { extent } from "../util/arrays.ts";
import { type Html, html } from "./html.ts";
import { compact, known, type Maybe } from "./number-format.ts";

/** One line of a chart: a value a step, null where there is none. */
export interface Series {
  readonly name: string;
  readonly values: readonly Maybe[];
}

/** A chart over the steps of a run. */
export interface Chart {
  readonly title: string;
  /** What a value means and in which unit, in a few words. */
  readonly note: string;
  /** Ascending; as many as each series has values. */
  readonly steps: readonly number[];
  readonly series: readonly Series[];
  /** Draws mean ± this around the first series. */
  readonly spread?: readonly Maybe[];
  readonly format?: (value: Maybe) => string;
}

const WIDTH = 340;
const HEIGHT = 170;
/** Sizes that an axis shows: beyond them spans and steps are no numbers any more. */
const [SMALLEST, LARGEST] = [1e-100, 1e100];
const PLOT = { left: 40, right: 332, top: 10, bottom: 148 };

/** Draws a chart, or nothing when no series has a value. */
export function lineChart(chart: Chart): Html | undefined {
  const format = chart.format ?? compact;
  const series = chart.series.filter((line) => line.values.some(known));
  if (series.length === 0) return undefined;
  const band = (chart.spread ?? []).map((spread, i) => {
    const mean = series[0]!.values[i];
    return known(mean) && known(spread) ? [mean - spread, mean + spread] : undefined;
  });
  const ticks = niceTicks(
    [...series.flatMap((line) => line.values), ...band.flatMap((edges) => edges ?? [])].filter(known),
  );
  const x = scale(chart.steps[0]!, chart.steps.at(-1)!, PLOT.left, PLOT.right);
  const y = scale(ticks[0]!, ticks.at(-1)!, PLOT.bottom, PLOT.top);
  const draw = (values: readonly Maybe[]) =>
    linePath(values.map((v, i) => (known(v) ? [x(chart.steps[i]!), y(v)] : undefined)));
  const smoothed = series.map((line) => movingMean(line.values, smoothing(chart.steps.length)));

  const legend = series.map((line, i) => {
    const texts = line.values.map(format);
    return html`<span class="c${i % 8}">${series.length > 1 && html`<i></i>${line.name}`}
      <b data-values="${texts.join(" ")}">${texts.at(-1)}</b></span>`;
  });
  return html`<figure class="chart">
    <figcaption><h3>${chart.title}<span class="at"></span></h3><p>${chart.note}</p><div class="legend">${legend}</div></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${describe(chart.title, series, format)}">
      ${ticks.map(
        (tick) => html`<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(tick)}" y2="${y(tick)}"/>
        <text class="tick" x="${PLOT.left - 6}" y="${y(tick) + 3.5}" text-anchor="end">${axisLabel(tick, ticks)}</text>`,
      )}
      <text class="tick" x="${PLOT.left}" y="${HEIGHT - 6}">step ${chart.steps[0]}</text>
      <text class="tick" x="${PLOT.right}" y="${HEIGHT - 6}" text-anchor="end">${chart.steps.at(-1)}</text>
      ${band.length > 0 && html`<path class="band" d="${bandPath(band, chart.steps, x, y)}"/>`}
      ${series.map((line, i) => html`<path class="raw c${i % 8}" d="${draw(line.values)}"/>`)}
      ${smoothed.map((values, i) => html`<path class="line c${i % 8}" d="${draw(values)}"/>`)}
      ${series.map((line, i) => lastDot(line.values, chart.steps, x, y, i))}
      <line class="cursor" y1="${PLOT.top}" y2="${PLOT.bottom}" hidden/>
    </svg>
  </figure>`;
}

/** What the page's script needs to move the cursor: the steps and the plot's edges in the chart's own units. */
export function chartGrid(steps: readonly number[], charts: readonly (Html | undefined)[]): Html {
  return html`<div class="charts" data-steps="${steps.join(" ")}" data-left="${PLOT.left}" data-right="${PLOT.right}"
    data-width="${WIDTH}">${charts}</div>`;
}

/** Three to six round numbers that span the values; zero is among them unless the values keep far from it. */
export function niceTicks(values: readonly number[]): number[] {
  const shown = (value: number) => (Math.abs(value) < SMALLEST ? 0 : Math.min(Math.max(value, -LARGEST), LARGEST));
  let [low, high] = extent(values.map(shown));
  if (low > 0 && low < high * 0.7) low = 0;
  if (high < 0 && high > low * 0.7) high = 0;
  const flat = high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high));
  if (flat) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high, 0)];
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Centred mean over `window` neighbours; steps without a value stay without one. */
export function movingMean(values: readonly Maybe[], window: number): Maybe[] {
  const reach = Math.floor(window / 2);
  return values.map((value, i) => {
    if (!known(value)) return null;
    const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter(known);
    return near.reduce((sum, v) => sum + v, 0) / near.length;
  });
}

/** The smoothing window in steps: none for short runs, then about a fifteenth of the run. */
export function smoothing(steps: number): number {
  return steps < 20 ? 1 : 2 * Math.round(steps / 30) + 1;
}

type Point = readonly [number, number];

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = to - from || 1;
  return (value) => Math.round((start + ((value - from) / span) * (end - start)) * 10) / 10;
}

/** A path that breaks where a point is missing; a lone point becomes a dot (round caps draw a zero-length line). */
function linePath(points: readonly (Point | undefined)[]): string {
  return points
    .map((point, i) =>
      point ? `${points[i - 1] ? "L" : "M"}${point.join(" ")}${points[i - 1] || points[i + 1] ? "" : "h0"}` : "",
    )
    .join("");
}

function bandPath(
  band: readonly (readonly number[] | undefined)[],
  steps: readonly number[],
  x: (step: number) => number,
  y: (value: number) => number,
): string {
  const inside = band.flatMap((edges, i) =>
    edges ? [{ x: x(steps[i]!), low: y(edges[0]!), high: y(edges[1]!) }] : [],
  );
  const there = inside.map((p) => `${p.x} ${p.high}`);
  const back = inside.map((p) => `${p.x} ${p.low}`).reverse();
  return there.length > 0 ? `M${[...there, ...back].join("L")}Z` : "";
}

function lastDot(
  values: readonly Maybe[],
  steps: readonly number[],
  x: (step: number) => number,
  y: (value: number) => number,
  index: number,
): Html | undefined {
  const at = values.findLastIndex(known);
  return at < 0
    ? undefined
    : html`<circle class="c${index % 8}" cx="${x(steps[at]!)}" cy="${y(values[at]!)}" r="2.5"/>`;
}

/** Tick labels share their decimals: `0.0 0.5 1.0`, not `0 0.5 1`. */
function axisLabel(tick: number, ticks: readonly number[]): string {
  const step = ticks[1]! - ticks[0]!;
  const largest = Math.max(...ticks.map(Math.abs));
  if (step < 1e-4 || largest >= 1e4) return Math.abs(tick) < step / 2 ? "0" : compact(tick);
  const decimals = [0, 1, 2, 3, 4, 5].find((d) => Math.abs(step - Number(step.toFixed(d))) < step * 1e-3) ?? 5;
  return tick.toFixed(decimals).replace("-", "−");
}

function describe(title: string, series: readonly Series[], format: (value: Maybe) => string): string {
  const parts = series.map(
    (line) => `${line.name} from ${format(line.values.find(known))} to ${format(line.values.findLast(known))}`,
  );
  return `${title}: ${parts.join("; ")}`;
}
