/** @file Held-out chains, the base's beside the trained model's, with their boxes on the picture. */

import type { ReadAnswer } from "../run/lines.ts";
import { chainText } from "./chain-text.ts";
import { EXAMPLE_RULE, type Example, isRight, pickExamples } from "./examples.ts";
import { type Html, html } from "./html.ts";
import { fraction, known, percent } from "./number-format.ts";
import type { Pictures } from "./picture.ts";

/** The section of examples; `before` or `after` may be empty in an unfinished run. */
export function chainsSection(before: readonly ReadAnswer[], after: readonly ReadAnswer[], pictures: Pictures): Html {
  const examples = pickExamples(before, after);
  const sets = [...new Set(examples.map((example) => example.sample.set))];
  const columns = [before.length > 0 && "before", after.length > 0 && "after"].filter((name) => name);
  return html`<section id="chains"><h2>Chains on held-out images</h2>
    <p class="lead">${EXAMPLE_RULE} Solid: boxes the model wrote, numbered and coloured as in its text. Dashed: ground truth,
      which the model never sees. Point at a box to find it.</p>
    ${columns.length < 2 && html`<p class="note">Only the chains ${columns[0]} training are there yet.</p>`}
    <div class="filter" role="group" aria-label="Show the examples of">
      ${[...sets, "all"].map((set, i) => html`<button type="button" data-show="${set}" aria-pressed="${String(i === 0)}">${set}</button>`)}
    </div>
    ${examples.map((example) => exampleCard(example, pictures, columns.length))}</section>`;
}

function exampleCard({ sample, before, after, why }: Example, pictures: Pictures, columns: number): Html {
  return html`<article class="example" data-set="${sample.set}">
    <header><span class="chip">${sample.set}</span>${why !== "first" && html`<span class="chip ${why.replace(" ", "-")}">${why}</span>`}
      <h3 dir="auto">${sample.question}</h3>${(known(sample.acc) || sample.unscored !== undefined) && html`<p>answer: <b>${sample.answer}</b></p>`}</header>
    <div class="pair columns-${columns}">${before && chainCard("Before", before, pictures)}${after && chainCard("After", after, pictures)}</div>
  </article>`;
}

/** One answer: its boxes on the picture, its scores and its text. `title` says whose it is. */
export function chainCard(title: string, sample: ReadAnswer, pictures: Pictures): Html {
  const boxes = `${sample.boxes.length} ${sample.boxes.length === 1 ? "box" : "boxes"}`;
  return html`<div class="chain">
    <h4>${title}${verdict(sample)}</h4>
    ${pictures.figure(sample, sample.boxes, sample.gtBoxes, `${title}: ${boxes} over the image`)}
    <dl class="facts">
      ${fact("answered", sample.response === "" ? "nothing" : sample.response)}
      ${known(sample.rating) && fact("rated", `${sample.rating} of 6`)}
      ${known(sample.acc) && !Number.isInteger(sample.acc) && fact("accuracy", percent(sample.acc))}
      ${known(sample.giou) && fact("IoU", fraction(sample.giou))}${fact("", boxes)}
      ${sample.ending !== "stop" && fact("", sample.ending === "length" ? "cut off at the token limit" : sample.ending)}
    </dl>
    ${chainText(sample.text, sample.boxes)}</div>`;
}

/** Whether it is right, or why that is not known. */
function verdict(sample: ReadAnswer): Html | undefined {
  if (sample.unscored !== undefined) return html`<span class="none">unscored: ${sample.unscored}</span>`;
  const right = isRight(sample);
  if (right === undefined) return undefined;
  if (known(sample.rating))
    return right ? html`<span class="good">✓ sound</span>` : html`<span class="bad">✗ hallucinates</span>`;
  return right ? html`<span class="good">✓ right</span>` : html`<span class="bad">✗ wrong</span>`;
}

function fact(name: string, value: string | null | undefined): Html | undefined {
  return value ? html`<div>${name && html`<dt>${name}</dt>`}<dd>${value}</dd></div>` : undefined;
}
