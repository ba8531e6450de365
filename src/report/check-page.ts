/** @file A check of a recipe as one self-contained page: what was found, the reward's terms, what the model sees, and the rollouts. */

import sharp from "sharp";
import { type Finding, figuresIn, type RecipeCheck, type SeenPicture } from "../check-result.ts";
import type { TermFigures } from "../run/check-file.ts";
import type { RolloutLine } from "../run/lines.ts";
import { checkFacts } from "./check-facts.ts";
import { memberCard } from "./gallery.ts";
import { histogram } from "./histogram.ts";
import { type Html, html } from "./html.ts";
import { fraction } from "./number-format.ts";
import { renderDocument } from "./page.ts";
import { Pictures } from "./picture.ts";

/** The page, as markup. `name` is the recipe's. */
export async function checkPage(name: string, check: RecipeCheck): Promise<string> {
  const pictures = new Pictures(".");
  const { refusals, warnings, terms, seen, groups } = check;
  const title =
    refusals.length > 0
      ? "This recipe cannot teach as it is"
      : warnings.length > 0
        ? "Ready to train, with something to look at"
        : "Ready to train";
  const header = html`<p class="eyebrow">GRIT · check of ${name}</p><h1>${title}</h1>
    <ul class="reading">${[...refusals.map((each) => findingItem(each, "refused")), ...warnings.map((each) => findingItem(each, "warning"))]}</ul>`;
  const sections = [
    { id: "figures", title: "Figures", body: figuresSection(check) },
    { id: "rewards", title: "Rewards", body: rewardsSection(terms) },
    { id: "seen", title: "Seen", body: await seenSection(seen, pictures) },
    { id: "rollouts", title: "Rollouts", body: rolloutsSection(groups, pictures) },
  ];
  return renderDocument({ title: `${name}: ${title}`, header, sections, gallery: await pictures.gallery() }).markup;
}

function findingItem({ key, what, remedy }: Finding, level: "refused" | "warning"): Html {
  return html`<li><span class="chip${level === "refused" && " became-wrong"}">${level}</span> <b>${key}</b>: ${what} ${remedy}</li>`;
}

function figuresSection(check: RecipeCheck): Html {
  return html`<section id="figures"><h2>Before the run</h2>
    <div class="scroll"><table class="rows"><tbody>${checkFacts(figuresIn(check)).map(
      ([what, value]) => html`<tr><th scope="row">${what}</th><td class="words">${value}</td></tr>`,
    )}</tbody></table></div></section>`;
}

function rewardsSection(terms: readonly TermFigures[]): Html {
  return html`<section id="rewards"><h2>What the rewards gave</h2>
    <p class="lead">Over all sampled rollouts, weighted. A term without spread teaches nothing.</p>
    <div class="scroll"><table class="rows">
      <thead><tr>${["term", "mean", "spread", "unscored", "histogram"].map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
      <tbody>${terms.map(
        ({ name, mean, spread, unscored, scores }) => html`<tr><th scope="row">${name}</th><td>${fraction(mean)}</td>
          <td>${fraction(spread)}</td><td>${unscored}</td><td>${histogram(scores, fraction)}</td></tr>`,
      )}</tbody></table></div></section>`;
}

async function seenSection(seen: readonly SeenPicture[], pictures: Pictures): Promise<Html> {
  const cards = await Promise.all(
    seen.map(async ({ sample, picture: { width, height, rgb }, tokens }) => {
      const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      return html`<article class="example"><header><span class="chip">${sample.dataset}</span><h3 dir="auto">${sample.question}</h3></header>
        <div class="pair columns-2">
          <div class="chain"><h4>Stored: ${sample.width}x${sample.height}</h4>${pictures.figure(sample, [], [], "the image as it is stored")}</div>
          <div class="chain"><h4>Seen: ${width}x${height}, ${tokens} tokens</h4>
            <img class="picture" style="--aspect: ${(width / height).toFixed(3)}" alt="the image as the model sees it" src="data:image/png;base64,${png.toString("base64")}"></div>
        </div></article>`;
    }),
  );
  return html`<section id="seen"><h2>What the model sees</h2>
    <p class="lead">The values that enter the vision tower, turned back into a picture. What cannot be read here, the model cannot read.</p>${cards}</section>`;
}

function rolloutsSection(groups: readonly (readonly RolloutLine[])[], pictures: Pictures): Html {
  return html`<section id="rollouts"><h2>Sampled rollouts</h2>
    <p class="lead">Whole groups of the base, as the first steps would sample them. A group whose advantages are all zero teaches nothing.</p>
    ${groups.map((members) => {
      const { dataset, question, answer } = members[0]!;
      return html`<article class="story"><header><span class="chip">${dataset}</span><h3 dir="auto">${question}</h3><p>answer: <b>${answer}</b></p></header>
        <div class="group${members.length % 3 === 0 && " thirds"}">${members.map((member) => memberCard(member, pictures))}</div></article>`;
    })}</section>`;
}
