/**
 * @file Evaluations as one self-contained page: the table, how they were made, and a browser of samples with every row's boxes
 * on the picture.
 */

import type { AnsweredEvaluation } from "../evaluation/read-evaluations.ts";
import type { Answered } from "../run/lines.ts";
import type { Cell } from "../tables/cells.ts";
import {
  isPartial,
  metricsOf,
  PAPER_METRICS,
  type Table,
  type TableMetric,
  tableNotes,
} from "../tables/paper-table.ts";
import { differences, excerpts } from "../util/differences.ts";
import { chainCard } from "./chain-cards.ts";
import { cellText, FORM, halfWidth, rowTitle, samplesText, titleWithUnit, WRITE } from "./eval-cells.ts";
import { columnsOf } from "./eval-table.ts";
import { isRight } from "./examples.ts";
import { type FurtherTable, furtherTables } from "./further-tables.ts";
import { type Html, html } from "./html.ts";
import { listed } from "./number-format.ts";
import { renderDocument } from "./page.ts";
import { Pictures } from "./picture.ts";

/** Samples shown of each set: its first ones, then the first others on which the rows disagree, and that are unscored. */
const FIRST = 12;
const OTHERS = 12;

/** The page, as markup. `evaluations` are those of the table, in its order; images are read where the data had them. */
export async function evaluationPage(table: Table, evaluations: readonly AnsweredEvaluation[]): Promise<string> {
  const pictures = new Pictures(".");
  const own = table.rows.filter(({ seeds }) => seeds > 0);
  const title = `${counted(own.length, "row")} on ${counted(table.sets.length, "set")}`;
  const partial = own.filter(isPartial);
  const header = html`<p class="eyebrow">GRIT · evaluation</p><h1>${title}: ${listed(own.map(({ name }) => name))}</h1>
    ${partial.length > 0 && html`<p class="note missing">Partial, without numbers yet: ${listed(partial.map(({ name }) => name))}.</p>`}`;
  const sections = [
    { id: "table", title: "Table", body: tableSection(table) },
    { id: "samples", title: "Samples", body: samplesSection(evaluations, pictures) },
    { id: "manifests", title: "Asked how", body: manifestsSection(evaluations) },
  ];
  const gallery = await pictures.gallery();
  return renderDocument({ title, header, sections, gallery }).markup;
}

function tableSection(table: Table): Html {
  const columns = columnsOf(table);
  return html`<section id="table"><h2>Accuracy and grounding</h2>
    <p class="lead">${tableNotes(table).join(" ")}</p>
    <div class="scroll"><table class="results methods">
      <thead><tr><th></th>${table.sets.map(({ name, ...size }) => {
        const span = metricsOf(table, name, PAPER_METRICS).length;
        return (
          span > 0 && html`<th colspan="${span}" scope="colgroup">${name} <small>n ${samplesText(size)}</small></th>`
        );
      })}</tr>
      <tr><th scope="col">method</th>${columns.map(({ metric }) => html`<th scope="col">${titleWithUnit(metric)}</th>`)}</tr></thead>
      <tbody>${table.rows.map(
        (row) => html`<tr class="${row.seeds === 0 ? "published" : ""}"><th scope="row">${rowTitle(row)}</th>
        ${columns.map(({ set, metric }) => numberCell(row.cells[set]?.[metric], metric))}</tr>`,
      )}</tbody></table></div>${furtherTables(table).map(furtherTable)}</section>`;
}

function furtherTable({ heads, note, rows }: FurtherTable): Html {
  return html`<p class="lead">${note}</p>
    <div class="scroll"><table class="rows">
      <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => {
        const [title, ...cells] = row;
        return html`<tr><th scope="row">${title}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
      })}</tbody></table></div>`;
}

function numberCell(cell: Cell | undefined, metric: TableMetric): Html {
  const { low, high } = cell?.value ?? {};
  const form = FORM[metric];
  const text = WRITE[form];
  const ends = low !== undefined && high !== undefined && `95 %: ${text(low)} to ${text(high)}`;
  return html`<td title="${ends}">${cell?.value ? html`<b>${cellText(cell, form)}</b>` : html`<span class="none">${cellText(cell, form)}</span>`}
    ${ends && html`<small>${halfWidth(cell, form)}</small>`}</td>`;
}

const OUTCOMES = ["disagreed on", "all right", "all wrong", "unscored"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** One sample with the answers of the rows that have it. */
interface Asked {
  readonly sample: Answered;
  readonly answers: readonly { readonly row: string; readonly answer: Answered }[];
}

function samplesSection(evaluations: readonly AnsweredEvaluation[], pictures: Pictures): Html | undefined {
  const names = titlesOf(evaluations);
  const asked = new Map<string, { sample: Answered; answers: { row: string; answer: Answered }[] }>();
  for (const [i, { samples }] of evaluations.entries()) {
    for (const answer of samples) {
      const key = `${answer.set}\n${answer.id}`;
      const entry = asked.get(key) ?? { sample: answer, answers: [] };
      entry.answers.push({ row: names[i]!, answer });
      asked.set(key, entry);
    }
  }
  const sets = [...new Set([...asked.values()].map(({ sample }) => sample.set))];
  const shown = sets.flatMap((set) => choose([...asked.values()].filter(({ sample }) => sample.set === set)));
  if (shown.length === 0) return undefined;
  return html`<section id="samples"><h2>Samples</h2>
    <p class="lead">Of each set its first ${FIRST} samples, then the first ${OTHERS} others on which the rows disagree, and the first ${OTHERS}
      with an answer that could not be scored. Solid: boxes that were written, numbered and coloured as in their text. Dashed: ground truth, which no model sees.</p>
    ${filter("set", "Show the samples of", [...sets, "all"], sets[0]!)}
    ${filter("outcome", "Show the samples that are", ["all", ...OUTCOMES], "all")}
    <p class="note" id="none-shown" hidden>No sample shown here is both.</p>
    ${shown.map((entry) => sampleCard(entry, pictures))}</section>`;
}

function choose(samples: readonly Asked[]): Asked[] {
  const others = (outcome: Outcome) =>
    samples
      .slice(FIRST)
      .filter((entry) => outcomeOf(entry) === outcome)
      .slice(0, OTHERS);
  return [...samples.slice(0, FIRST), ...others("disagreed on"), ...others("unscored")];
}

/** Whether the rows agree on a sample; an answer that is neither right nor wrong agrees with none. */
function outcomeOf({ answers }: Asked): Outcome {
  const right = new Set(answers.map(({ answer }) => isRight(answer)));
  if (right.has(undefined)) return "unscored";
  return right.size > 1 ? "disagreed on" : right.has(true) ? "all right" : "all wrong";
}

function filter(key: string, label: string, values: readonly string[], pressed: string): Html {
  return html`<div class="filter" role="group" aria-label="${label}">${values.map(
    (value) =>
      html`<button type="button" data-filter="${key}" data-value="${value}" aria-pressed="${String(value === pressed)}">${value}</button>`,
  )}</div>`;
}

function sampleCard(entry: Asked, pictures: Pictures): Html {
  const { sample, answers } = entry;
  const columns = answers.length === 1 ? "" : answers.length % 4 === 0 ? " group" : " group thirds";
  return html`<article class="story sample" data-set="${sample.set}" data-outcome="${outcomeOf(entry)}">
    <header><span class="chip">${sample.set}</span><span class="chip">${sample.id}</span>
      <h3 dir="auto">${sample.question}</h3><p>answer: <b>${sample.answer}</b></p></header>
    <div class="answers${columns}">${answers.map(({ row, answer }) => chainCard(row, answer, pictures))}</div></article>`;
}

function manifestsSection(evaluations: readonly AnsweredEvaluation[]): Html {
  const names = titlesOf(evaluations);
  const first = evaluations[0]!.manifest;
  const keys = [...new Set(evaluations.flatMap(({ manifest }) => differences(first, manifest).map(({ key }) => key)))];
  const told = keys.filter((key) => key !== "name");
  return html`<section id="manifests"><h2>Asked how</h2>
    <p class="lead">${told.length > 0 ? `The rows differ in ${listed(told)}. Everything else is the same for all.` : "All rows were asked alike."}</p>
    <div class="records">${evaluations.map(
      ({ manifest, dir }, i) => html`<details><summary>${names[i]}</summary>
        ${
          i > 0 &&
          html`<ul class="reading">${differences(first, manifest).map((difference) => {
            const [from, to] = excerpts(difference);
            return html`<li>${difference.key}: ${from} → ${to}</li>`;
          })}</ul>`
        }<pre>${dir}\n${JSON.stringify(manifest, null, 2)}</pre></details>`,
    )}</div></section>`;
}

/** The evaluations' names in the browser: the row's, with the seed if several share it. */
function titlesOf(evaluations: readonly AnsweredEvaluation[]): string[] {
  const names = evaluations.map(({ manifest }) => manifest.name);
  return evaluations.map(({ manifest: { name, decoding } }) =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : `${name}, seed ${decoding.seed}`,
  );
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
