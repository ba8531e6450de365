/** @file The frame of the page: the headline with its numbers, links to the sections, and what is missing. */

import { createHash } from "node:crypto";
import type { Change, Summary } from "../run/lines.ts";
import { type Html, html, trusted } from "./html.ts";
import { fraction, fractionGain, type Maybe, percent, points } from "./number-format.ts";
import { pageScript } from "./page-script.ts";
import { outcome, type Verdict } from "./run-verdict.ts";
import { STYLE } from "./style.ts";

/** A part of the page; it has no body if the run lacks the data. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html | undefined;
}

/** The parts of a run's page. */
export interface Page {
  /** The run's folder name. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly summary: Summary | undefined;
  readonly sections: readonly Section[];
  /** The embedded images. */
  readonly gallery: Html;
}

/** The report of a run. */
export function renderPage({ name, verdict, summary, sections, gallery }: Page): Html {
  const missing = sections.filter((section) => !section.body).map((section) => section.title.toLowerCase());
  const header = html`<p class="eyebrow">GRIT · ${name}</p><h1>${verdict.headline}</h1>
${summary && headlineNumbers(summary, verdict.trainedSets)}
${verdict.reading.length > 0 && html`<ul class="reading">${verdict.reading.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
${missing.length > 0 && html`<p class="note missing">This run has no data yet for: ${missing.join(", ")}.</p>`}`;
  return renderDocument({ title: `${name}: ${verdict.headline}`, header, sections, gallery });
}

/** The parts of every page. */
export interface Document {
  readonly title: string;
  readonly header: Html;
  readonly sections: readonly Section[];
  /** The embedded images. */
  readonly gallery: Html;
}

/** A page, complete: style and script inlined, every request but embedded images forbidden. */
export function renderDocument({ title, header, sections, gallery }: Document): Html {
  const script = pageScript();
  const hash = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
  const present = sections.filter((section) => section.body);
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}"><title>${title}</title>
<style>${trusted(STYLE)}</style></head><body>${gallery}<div class="page">
<header class="top">${header}</header>
<nav aria-label="Sections">${present.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
<main>${present.map(({ body }) => body)}</main></div><script>${trusted(script)}</script></body></html>
`;
}

function headlineNumbers(summary: Summary, trainedSets: readonly string[]): Html | undefined {
  const cards = trainedSets.slice(0, 4).flatMap((name) => {
    const set = summary.sets?.[name];
    return [
      ...(set?.acc ? [numberCard(`Accuracy, ${name}`, set.acc, percent, points, " %")] : []),
      ...(set?.giou ? [numberCard(`Grounding IoU, ${name}`, set.giou, fraction, fractionGain, "")] : []),
    ];
  });
  return cards.length > 0 ? html`<div class="headline">${cards}</div>` : undefined;
}

function numberCard(
  title: string,
  change: Change,
  value: (v: Maybe) => string,
  gain: (v: Maybe) => string,
  unit: string,
): Html {
  const tone = { rose: "good", fell: "bad", unclear: "" }[outcome(change)];
  return html`<div class="number"><h3>${title}</h3><p><span>${value(change.before)} →</span> ${value(change.after)}${unit}</p>
    <small><b class="${tone}">${gain(change.gain)}</b> · 95 %: ${gain(change.low)} to ${gain(change.high)}</small></div>`;
}
