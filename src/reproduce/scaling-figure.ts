/** @file Figure 6 as an SVG file of its own: accuracy, with its interval, over the number of training samples, which is drawn by its logarithm. */
import type { Interval } from "../evaluation/statistics.ts";
import { niceTicks } from "../report/chart.ts";
import { html } from "../report/html.ts";
import { percent } from "../report/number-format.ts";

const [WIDTH, HEIGHT] = [560, 320];
const PLOT = { left: 56, right: WIDTH - 24, top: 52, bottom: 268 };
const COLOURS = ["#a3421f", "#1f6f9f"];

interface Curve {
  readonly name: string;
  readonly points: readonly Interval[];
}

/** The chart as the text of an SVG file: a point of each curve for each number of samples. */
export function scalingChart(samples: readonly number[], curves: readonly Curve[]): string {
  const ticks = niceTicks(curves.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high])));
  const [first, last] = [samples[0]!, samples.at(-1)!].map(Math.log) as [number, number];
  const x = (i: number) =>
    round(PLOT.left + 20 + ((Math.log(samples[i]!) - first) / (last - first)) * (PLOT.right - PLOT.left - 40));
  const y = (value: number) =>
    round(PLOT.bottom - ((value - ticks[0]!) / (ticks.at(-1)! - ticks[0]!)) * (PLOT.bottom - PLOT.top));
  const { markup } = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
  aria-label="Accuracy by the number of training samples">
  <style>text { font: 12px sans-serif; fill: #44413c } path { fill: none; stroke-width: 2; stroke-linecap: round }
  .grid { stroke: #e4e0d8; stroke-width: 1 }</style>
  <rect width="100%" height="100%" fill="#ffffff"/>
  ${curves.map(
    ({ name }, c) =>
      html`<path d="M${PLOT.left + c * 150} 26h22" stroke="${COLOURS[c]!}"/><text x="${PLOT.left + 28 + c * 150}" y="30">${name}</text>`,
  )}
  <text x="${PLOT.right}" y="30" text-anchor="end">%, 95 % interval</text>
  ${ticks.map(
    (tick) => html`<path class="grid" d="M${PLOT.left} ${y(tick)}H${PLOT.right}"/>
  <text x="${PLOT.left - 6}" y="${y(tick) + 4}" text-anchor="end">${percent(tick)}</text>`,
  )}
  ${samples.map((count, i) => html`<text x="${x(i)}" y="${PLOT.bottom + 20}" text-anchor="middle">${count.toLocaleString("en")}</text>`)}
  <text x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 38}" text-anchor="middle">training samples</text>
  ${curves.map(
    (
      { points },
      c,
    ) => html`<path stroke="${COLOURS[c]!}" d="M${points.map(({ mean }, i) => `${x(i)} ${y(mean)}`).join("L")}"/>
  ${points.map(({ low, high }, i) => html`<path stroke="${COLOURS[c]!}" d="M${x(i) + 3 * c} ${y(low)}V${y(high)}"/>`)}`,
  )}
</svg>
`;
  return markup;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
