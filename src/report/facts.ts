/** @file The facts of a run: how long each phase took, the recipe, the seed, versions, data. */

import { stringify } from "yaml";
import type { Run } from "../run/lines.ts";
import type { RunFolder } from "../run/read-run.ts";
import { type Html, html } from "./html.ts";
import { duration, known } from "./number-format.ts";

/** The closing section. */
export function factsSection({ run, metrics, summary }: RunFolder): Html {
  const recorded = (name: string, value: unknown, open: boolean) =>
    value !== undefined &&
    value !== null &&
    html`<details${open && html` open`}><summary>${name}</summary><pre>${plain(value)}</pre></details>`;
  const steps = sums(metrics.map((line) => line.seconds ?? {}));
  return html`<section id="run"><h2>The run</h2>
    <div class="times">${timeBar("The whole job", summary?.seconds ?? {})}${timeBar("The steps of training", withRest(steps))}</div>
    <div class="records">${recorded("Seed", run?.seed, true)}${recorded("Versions", run?.versions, true)}
      ${recorded("Machine", run?.machine, true)}${recorded("Code", run?.git, true)}${recorded("Gate of the base", summary?.gate, true)}
      ${recorded("Data", run?.data, false)}${recorded("Recipe", run?.recipe, false)}
      ${recorded("Changes of the recipe", run?.changes?.map(inWords), true)}</div></section>`;
}

/** A change of the recipe, e.g. `after step 50: optimizer.lr was 0.000002, is 0.000001`. */
function inWords({ step, key, from, to }: NonNullable<Run["changes"]>[number]): string {
  return `after step ${step}: ${key} was ${from ?? "not set"}, is ${to ?? "not set"}`;
}

/** The time of each phase: a divided bar with a legend. */
function timeBar(title: string, seconds: Readonly<Record<string, number | null>>): Html | undefined {
  const parts = Object.entries(seconds).filter((part): part is [string, number] => known(part[1]) && part[1] > 0);
  const total = parts.reduce((sum, [, s]) => sum + s, 0);
  if (total === 0) return undefined;
  let at = 0;
  const bars = parts.map(([, s], i) => {
    const x = at;
    at += (s / total) * 100;
    return html`<rect class="c${i % 8}" x="${x.toFixed(2)}" width="${((s / total) * 100).toFixed(2)}" height="8"/>`;
  });
  return html`<div class="time"><h3>${title}<span>${duration(total)}</span></h3>
    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
    <p class="legend">${parts.map(([name, s], i) => html`<span class="c${i % 8}"><i></i>${name} <b>${duration(s)}</b></span>`)}</p></div>`;
}

/** Adds the rest if the phases do not sum up to `total`, which is not a phase itself. */
function withRest({ total, ...phases }: Readonly<Record<string, number>>): Record<string, number> {
  const rest = (total ?? 0) - Object.values(phases).reduce((sum, s) => sum + s, 0);
  return rest > (total ?? 0) / 100 ? { ...phases, rest } : phases;
}

function sums(records: readonly Readonly<Record<string, number | null>>[]): Record<string, number> {
  const out: Record<string, number> = {};
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) out[name] = (out[name] ?? 0) + (value ?? 0);
  }
  return out;
}

function plain(value: unknown): string {
  return typeof value === "object" ? stringify(value).trimEnd() : String(value);
}
