/** @file Figure 4 as an SVG file of its own: a bar for whose chains they are, with its interval, and a line at chance. */
import type { Interval } from "../evaluation/statistics.ts";
import { html } from "../report/html.ts";
import { fraction } from "../report/number-format.ts";

const WIDTH = 560;
const ROW = 40;
const PLOT = { left: 130, right: WIDTH - 70, top: 40 };

interface Bar {
  readonly name: string;
  /** A share in [0, 1]; null where nobody could be asked. */
  readonly share: Interval | null;
}

/** The chart as the text of an SVG file. */
export function correlationChart(bars: readonly Bar[]): string {
  const bottom = PLOT.top + ROW * bars.length;
  const x = (share: number) => Math.round(10 * (PLOT.left + share * (PLOT.right - PLOT.left))) / 10;
  const { markup } = html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 40}" role="img"
  aria-label="Share of right picks between a chain's boxes and random ones">
  <style>text { font: 12px sans-serif; fill: #44413c } path { fill: none; stroke: #44413c; stroke-width: 1.5 }
  rect { fill: #1f6f9f } .ground { fill: #ffffff } .chance { stroke: #a3421f; stroke-dasharray: 4 4 }</style>
  <rect class="ground" width="100%" height="100%"/>
  <text x="${PLOT.left}" y="24">share of right picks, 95 % interval</text>
  ${bars.map(({ name, share }, i) => {
    const y = PLOT.top + ROW * i;
    return html`<text x="${PLOT.left - 10}" y="${y + 24}" text-anchor="end">${name}</text>
  ${
    share &&
    html`<rect x="${PLOT.left}" y="${y + 8}" width="${x(share.mean) - PLOT.left}" height="24"/>
  <path d="M${x(share.low)} ${y + 20}H${x(share.high)}"/>`
  }
  <text x="${PLOT.right + 10}" y="${y + 24}">${fraction(share?.mean)}</text>`;
  })}
  <path class="chance" d="M${x(0.5)} ${PLOT.top}V${bottom}"/>
  <text x="${x(0.5)}" y="${bottom + 20}" text-anchor="middle">chance</text>
</svg>
`;
  return markup;
}
