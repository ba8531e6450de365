/** @file What a study in full size would take, before anything is downloaded: runs, cards, hours, and dollars of a judge. */

import { loadRecipe, type Recipe } from "../config/recipe.ts";
import { cardRoom, plannedModel, planStep } from "../engine/plan.ts";
import { loadFinetuneRecipe } from "../pretrain/finetune.ts";
import { table } from "../util/table.ts";
import type { Arm, Made } from "./arms.ts";
import { asSet, type Scale } from "./scale.ts";
import type { Study } from "./study.ts";

/** The paper's run: 200 steps of 128 completions in 12 hours on eight A100 of 80 GB. */
const PAPER = { completions: 200 * 128, cardHours: 8 * 12 };

/** What an answer that is only sampled, or only learned, takes of one that is sampled, scored and learned. */
const ASKED = 1 / 3;

/** What the paper's judge is asked for one answer, in tokens, and what GPT-4o (2024-11-20) costs a million, in dollars. */
const JUDGED = { input: 180, output: 8 };
const PRICE = { input: 2.5, output: 10 };

/** Items of the paper's six sets; those of OVDEval are not judged. */
const ITEMS = { all: 288 + 491 + 509 + 1000 + 240 + 2164, judged: 288 + 491 + 509 + 1000 + 240 };

/** A line of the plan. */
interface Work {
  readonly what: string;
  readonly steps: number;
  readonly completions: number;
  /** Gigabytes that a step holds at its peak. */
  readonly peak: number;
  readonly cardHours: number;
  readonly judged: number;
}

/**
 * The plan of a study in one family as a table, and what it rests on.
 * @throws UserError where the shapes of a model are not known
 */
export async function planOf(study: Study, scale: Scale): Promise<string> {
  const arms = study.arms(scale);
  const runs = new Map(arms.flatMap(({ made }) => (made ? [[made.run, made] as const] : [])));
  const work: Work[] = [];
  for (const made of runs.values()) {
    for (const seed of scale.seeds) {
      work.push(await workOf(made, scale, scale.seeds.length > 1 ? `${made.run}, seed ${seed}` : made.run));
    }
  }
  const evaluations = arms.reduce((sum, arm) => sum + evaluationsOf(arm, scale), 0);
  const asked = evaluations * ITEMS.all;
  const answering: Work = {
    what: `${evaluations} evaluations`,
    steps: 0,
    completions: asked,
    peak: 0,
    cardHours: ASKED * hours(asked),
    judged: evaluations * ITEMS.judged,
  };
  const all = evaluations > 0 ? [...work, answering] : work;
  const sum = (of: (work: Work) => number) => all.reduce((total, each) => total + of(each), 0);
  const usd = (judged: number) => (judged * (JUDGED.input * PRICE.input + JUDGED.output * PRICE.output)) / 1e6;
  const rows = all.map(({ what, steps, completions, peak, cardHours, judged }) => [
    what,
    steps || "–",
    completions,
    peak ? `${Math.ceil(peak)} GB` : "–",
    cardHours.toFixed(1),
    usd(judged).toFixed(2),
  ]);
  return [
    `${study.title}, ${scale.recipe.model}`,
    "",
    table([
      ["run", "steps", "completions", "one card of", "A100 hours", "judge $"],
      ...rows,
      [
        "in all",
        "",
        sum(({ completions }) => completions),
        "",
        sum(({ cardHours }) => cardHours).toFixed(1),
        usd(sum(({ judged }) => judged)).toFixed(2),
      ],
    ]),
    "",
    "Hours: from the paper's 12 hours on eight A100 for 200 steps of 128 completions, by the number of completions; an answer that is only sampled, or only learned, is taken for a third of one. Not measured here.",
    `Dollars: an answer of ${JUDGED.input} tokens in and ${JUDGED.output} out, at GPT-4o's $${PRICE.input} and $${PRICE.output} a million, if a service judges all of them; the judge exact costs nothing.`,
  ].join("\n");
}

function evaluationsOf({ made }: Arm, { seeds }: Scale): number {
  return made ? seeds.length : 1;
}

async function workOf({ by, set }: Made, scale: Scale, what: string): Promise<Work> {
  const values = asSet(set);
  if (by === "pretrain") {
    const { steps, prompts_per_step } = await loadFinetuneRecipe(scale.pretrain, [], { set: values, weights: false });
    const completions = steps * prompts_per_step;
    return { what, steps, completions, peak: 0, cardHours: ASKED * hours(completions), judged: 0 };
  }
  const recipe = await loadRecipe(scale.train, [], { set: values, weights: false });
  const completions = recipe.steps * recipe.prompts_per_step * recipe.group_size;
  return {
    what,
    steps: recipe.steps,
    completions,
    peak: peakOf(recipe),
    cardHours: hours(completions),
    judged: completions,
  };
}

function hours(completions: number): number {
  return (completions / PAPER.completions) * PAPER.cardHours;
}

/** Gigabytes of a step at its worst on a card of 80 GB. */
function peakOf(recipe: Recipe): number {
  return planStep(recipe, plannedModel(recipe.model), cardRoom("80GB")).peak / 1e9;
}
