/** @file The results on held-out sets: before and after with 95 % intervals, and the reference rows. */

import type { Change, Row, Summary } from "../run/lines.ts";
import { type Html, html } from "./html.ts";
import { fraction, fractionGain, known, type Maybe, partial, percent, points } from "./number-format.ts";
import { outcome, TRAINED_ROW } from "./run-verdict.ts";

/** The before/after table, with the sets trained on first. */
export function beforeAfterSection(summary: Summary, trainedSets: readonly string[]): Html {
  const all = Object.entries(summary.sets ?? {});
  const sets = [
    ...all.filter(([name]) => trainedSets.includes(name)),
    ...all.filter(([name]) => !trainedSets.includes(name)),
  ];
  const apart = sets.length > trainedSets.length;
  return html`<section id="results"><h2>Before and after</h2>
    <p class="lead">Held-out samples, answered greedily under the same prompt. Gains are paired, sample by sample, with their 95 % interval;
      a gain is coloured when the whole interval is on one side of zero.</p>
    <div class="scroll"><table class="results">
      <thead><tr><th></th><th></th><th colspan="4" scope="colgroup">Accuracy, %</th><th colspan="4" scope="colgroup">Grounding IoU</th></tr>
        <tr><th scope="col">set</th><th scope="col">n</th>${[0, 1].map(
          () => html`<th scope="col">before</th><th scope="col">after</th>
          <th scope="col">gain</th><th scope="col" class="plot">95 % interval</th>`,
        )}</tr></thead>
      <tbody>${sets.map(
        ([name, set], i) => html`<tr class="${apart && i === trainedSets.length ? "first-other" : ""}">
        <th scope="row">${name}${apart && html`<small>${i < trainedSets.length ? "trained on" : "not trained on"}</small>`}</th><td>${set.n}</td>
        ${changeCells(set.acc, percent, points, reach(sets.map(([, other]) => other.acc)), set.coverage)}
        ${changeCells(set.giou, fraction, fractionGain, reach(sets.map(([, other]) => other.giou)))}</tr>`,
      )}</tbody>
    </table></div></section>`;
}

/** Every way of asking beside the trained model: accuracy with its interval, IoU under it. */
export function rowsSection(summary: Summary): Html {
  const rows = summary.rows ?? [];
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.sets)))];
  return html`<section id="references"><h2>What to compare with</h2>
    <p class="lead">The same held-out samples. Every row but ${TRAINED_ROW} is the untrained base; <em>forced to look</em> makes it begin with a
      box. Accuracy in %, its 95 % interval as a bar from 0 to 100, and the grounding IoU under it.</p>
    <div class="scroll"><table class="rows"><thead><tr><th></th>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${rows.map(
        (row) => html`<tr class="${row.name === TRAINED_ROW ? "ours" : ""}"><th scope="row">${row.name}</th>
        ${names.map((name) => rowCell(row.sets[name]))}</tr>`,
      )}</tbody></table></div></section>`;
}

function changeCells(
  change: Change | null | undefined,
  value: (v: Maybe) => string,
  gain: (v: Maybe) => string,
  extent: number,
  coverage?: number,
): Html {
  if (!change) return html`<td class="none" colspan="4">${coverage === undefined ? "–" : partial(coverage)}</td>`;
  const tone = { rose: "good", fell: "bad", unclear: "" }[outcome(change)];
  return html`<td>${value(change.before)}</td><td><b>${value(change.after)}</b></td><td class="${tone}"><b>${gain(change.gain)}</b></td>
    <td class="plot ${tone}">${intervalPlot(change, extent)}<small>${gain(change.low)} to ${gain(change.high)}</small></td>`;
}

/** The gain as a dot on its interval, zero in the middle. */
function intervalPlot(change: Change, extent: number): Html {
  const x = (value: number) => Math.round((60 + (value / extent) * 55) * 10) / 10;
  return html`<svg viewBox="0 0 120 14" aria-hidden="true"><line class="zero" x1="60" x2="60" y1="0" y2="14"/>
    <line class="interval" x1="${x(change.low)}" x2="${x(change.high)}" y1="7" y2="7"/><circle cx="${x(change.gain)}" cy="7" r="3.5"/></svg>`;
}

/** The largest distance from zero that any interval reaches: the half width of all plots in a column. */
function reach(changes: readonly (Change | null | undefined)[]): number {
  return Math.max(0.01, ...changes.flatMap((change) => (change ? [Math.abs(change.low), Math.abs(change.high)] : [])));
}

function rowCell(cell: Row["sets"][string] | undefined): Html {
  const iou = known(cell?.giou) && html`<small>IoU ${fraction(cell.giou)}</small>`;
  if (!known(cell?.acc)) {
    const text = cell?.coverage === undefined ? !iou && "–" : partial(cell.coverage);
    return html`<td>${text && html`<span class="none">${text}</span>${iou && html`<br>`}`}${iou}</td>`;
  }
  const interval =
    known(cell.accLow) && known(cell.accHigh) ? `95 %: ${percent(cell.accLow)} to ${percent(cell.accHigh)}` : "";
  const x = (share: Maybe) => Math.round((share ?? 0) * 1000) / 10;
  return html`<td title="${interval}${known(cell.n) && ` of ${cell.n}`}"><b>${percent(cell.acc)}</b>
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" y="3" width="100" height="2"/>
      <rect class="amount" y="3" width="${x(cell.acc)}" height="2"/>
      ${interval && html`<rect class="interval" x="${x(cell.accLow)}" width="${x(cell.accHigh) - x(cell.accLow)}" height="8"/>`}</svg>
    ${iou}</td>`;
}
