/**
 * @file Figure 5 of the paper as an SVG file of its own: attention to the image while rethinking, with the thought's boxes and
 * without them, over the tokens of the rethink and, beside it, over the layers.
 */
import { niceTicks } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { percent } from "./number-format.ts";

/** Shares in [0, 1], by written token and by layer. */
interface Curves {
  readonly byToken: readonly number[];
  readonly byLayer: readonly number[];
}

const WIDTH = 860;
const HEIGHT = 330;
const TOP = 56;
const BOTTOM = 276;
const COLOURS = ["#a3421f", "#1f6f9f"];
const NAMES = ["with boxes", "boxes removed"];

/** The chart as the text of an SVG file; `chains` is how many the curves are means over. */
export function attentionChart(withBoxes: Curves, withoutBoxes: Curves, chains: number): string {
  const legend = NAMES.map(
    (name, i) =>
      html`<path d="M${56 + i * 130} 26h22" stroke="${COLOURS[i]!}"/><text x="${84 + i * 130}" y="30">${name}</text>`,
  );
  const { markup } = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
  aria-label="Attention to the image while rethinking, with boxes and without, mean of ${chains} chains">
  <style>text { font: 12px sans-serif; fill: #44413c } path { fill: none; stroke-width: 2; stroke-linecap: round }
  .grid { stroke: #e4e0d8; stroke-width: 1 }</style>
  <rect width="100%" height="100%" fill="#ffffff"/>
  ${legend}
  <text x="${WIDTH - 16}" y="30" text-anchor="end">% of attention on the image, mean of ${chains} chains</text>
  ${panel("token of the rethink", 56, 420, [withBoxes.byToken, withoutBoxes.byToken])}
  ${panel("layer", 480, WIDTH - 16, [withBoxes.byLayer, withoutBoxes.byLayer])}
</svg>
`;
  return markup;
}

/** One pair of curves between two edges, over 1, 2, 3 … */
function panel(axis: string, left: number, right: number, curves: readonly (readonly number[])[]): Html {
  const ticks = niceTicks([0, ...curves.flat()]);
  const count = curves[0]!.length;
  const x = (i: number) => round(left + (count === 1 ? 0.5 : i / (count - 1)) * (right - left));
  const y = (value: number) => round(BOTTOM - (value / ticks.at(-1)!) * (BOTTOM - TOP));
  const line = (values: readonly number[]) => `M${values.map((value, i) => `${x(i)} ${y(value)}`).join("L")}h0`;
  return html`${ticks.map(
    (tick) => html`<path class="grid" d="M${left} ${y(tick)}H${right}"/>
  <text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${percent(tick)}</text>`,
  )}
  <text x="${left}" y="${BOTTOM + 20}">1</text><text x="${right}" y="${BOTTOM + 20}" text-anchor="end">${count}</text>
  <text x="${(left + right) / 2}" y="${BOTTOM + 36}" text-anchor="middle">${axis}</text>
  ${curves.map((values, i) => html`<path stroke="${COLOURS[i]!}" d="${line(values)}"/>`)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
