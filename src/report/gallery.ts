/** @file Training prompts over the steps: every member of a group, what each reward term gave it, and its advantage. */

import type { RolloutLine, ScoreLine } from "../run/lines.ts";
import { chainText } from "./chain-text.ts";
import { pickStories, STORY_RULE, type Story } from "./examples.ts";
import { type Html, html } from "./html.ts";
import { fraction, known, signed2 } from "./number-format.ts";
import type { Pictures } from "./picture.ts";

/** The section of groups, from the rollouts of the first, the middle and the last step on disk. */
export function gallerySection(steps: readonly (readonly RolloutLine[])[], pictures: Pictures): Html {
  return html`<section id="groups"><h2>Groups in training</h2>
    <p class="lead">${STORY_RULE} An advantage says how a chain compares with its own group: what is above zero is made likelier,
      what is below zero less likely.</p>
    ${pickStories(steps).map((story) => storyCard(story, pictures))}</section>`;
}

function storyCard({ prompt, moments }: Story, pictures: Pictures): Html {
  // The middle is where the group still disagrees: the first thing to see.
  const shown = Math.floor((moments.length - 1) / 2);
  return html`<article class="story">
    <header><span class="chip">${prompt.dataset}</span><h3 dir="auto">${prompt.question}</h3><p>answer: <b>${prompt.answer}</b></p>
      <div class="filter" role="group" aria-label="Show step">${moments.map(
        ({ step }, i) =>
          html`<button type="button" data-moment="${i}" aria-pressed="${String(i === shown)}">step ${step}</button>`,
      )}</div></header>
    ${moments.map(
      ({ step, members }, i) => html`<div class="moment" data-moment="${i}">
        <h4>Step ${step}</h4><div class="group${members.length % 3 === 0 && " thirds"}">${members.map((member) => memberCard(member, pictures))}</div></div>`,
    )}</article>`;
}

/** One chain of a group: its boxes, what each term gave it, and its advantage. */
export function memberCard(member: RolloutLine, pictures: Pictures): Html {
  const { advantage } = member;
  const side = !known(advantage) || advantage === 0 ? "none" : advantage > 0 ? "good" : "bad";
  const length = known(advantage) ? Math.min(Math.abs(advantage) / 2, 1) * 50 : 0;
  return html`<div class="chain member">
    ${pictures.figure(member, member.boxes, [], `${member.boxes.length} boxes over the image`)}
    <div class="advantage ${side}"><span>advantage <b>${signed2(advantage)}</b></span>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="6"/>
        <rect class="amount" x="${advantage && advantage < 0 ? 50 - length : 50}" width="${length}" height="6"/></svg></div>
    <table class="terms"><tbody>${Object.entries(member.terms).map(
      ([name, score]) => html`<tr><th scope="row">${name}</th><td>${scoreText(score)}</td></tr>`,
    )}</tbody><tfoot><tr><th scope="row">reward</th><td>${scoreText(member.total)}</td></tr></tfoot></table>
    ${member.ending !== "stop" && html`<p class="note">${member.ending === "length" ? "cut off at the token limit" : member.ending}</p>`}
    ${chainText(member.text, member.boxes)}</div>`;
}

function scoreText(score: ScoreLine): Html {
  if (typeof score === "number") return html`${fraction(score)}`;
  return html`<span title="${score?.unscored ?? "no score"}">unscored</span>`;
}
