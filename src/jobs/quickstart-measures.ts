/**
 * @file The quickstart's measurements: the base and the trained model on every held-out set. The base is also asked in three
 * further ways on the sets it is trained on, to show what training adds to them.
 */

import { inSection } from "../config/key-places.ts";
import type { Recipe } from "../config/recipe.ts";
import { LOOK_PREFIX } from "../data/scenes/scene-chains.ts";
import type { Engine } from "../engine/engine.ts";
import { type AskedSet, type Asking, askingOf, evaluate } from "../evaluation/ask.ts";
import { changes, numbers, row } from "../evaluation/summary.ts";
import { openJudge } from "../judge/open.ts";
import { keepImage } from "../rollouts.ts";
import type { Answered, Summary } from "../run/lines.ts";
import type { RunFolder } from "../run/run-folder.ts";

/** The ways of asking the base, by the name of their row. */
const WAYS = {
  direct: "direct query",
  greedy: "GRIT prompt, greedy",
  sampled: "GRIT prompt, T = 1",
  forced: "forced to look",
  trained: "GRPO-GR",
} as const;

/** Answers by way and set. */
export type Answers = Record<string, Record<string, Answered[]>>;

/** What the base must be like for RL to help: forced to look it is clearly better than by itself. */
export const GATE = { forcedAtLeast: 0.85, greedyAtMost: 0.7, sets: ["vsr", "tallyqa"] };

type WaysOf = (recipe: Recipe, set: string) => Record<string, Asking>;

/** How the base is asked: by the GRIT prompt on every set, and in the further ways on the sets of the gate. */
export const waysOfBase: WaysOf = (recipe, set) => {
  const asking = askingOf(recipe);
  if (!GATE.sets.includes(set)) return { [WAYS.greedy]: asking };
  return {
    [WAYS.direct]: { ...asking, method: "direct" },
    [WAYS.greedy]: asking,
    [WAYS.sampled]: { ...asking, temperature: 1 },
    [WAYS.forced]: { ...asking, prefix: LOOK_PREFIX },
  };
};

/** How the trained policy is asked: as the base was, by the GRIT prompt. */
export const waysOfTrained: WaysOf = (recipe) => ({ [WAYS.trained]: askingOf(recipe) });

/** How many answers are asked for in all. */
export function countAnswers(recipe: Recipe, sets: readonly AskedSet[], waysOf: WaysOf): number {
  return sets.reduce((n, { name, samples }) => n + Object.keys(waysOf(recipe, name)).length * samples.length, 0);
}

export interface MeasureFollowing {
  /** Hears the answers so far, and the set. */
  readonly onProgress?: ((done: number, set: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks every set in its ways. @throws the signal's reason when it fires */
export async function measureAll(
  engine: Engine,
  recipe: Recipe,
  sets: readonly AskedSet[],
  waysOf: WaysOf,
  { onProgress, signal }: MeasureFollowing,
): Promise<Answers> {
  const judge = await inSection("judge", () => openJudge(recipe.judge, { signal }));
  const answers: Answers = {};
  let done = 0;
  for (const set of sets) {
    const ways = waysOf(recipe, set.name);
    const byWay = await evaluate(engine, set, Object.values(ways), judge, {
      onProgress: (part) => onProgress?.(done + part, set.name),
      signal,
    });
    for (const [i, way] of Object.keys(ways).entries()) answers[way] = { ...answers[way], [set.name]: byWay[i]! };
    done += countAnswers(recipe, [set], waysOf);
  }
  return answers;
}

/** Writes the answers before and after training into the run folder, with their images, for the report. */
export function writeAnswers(run: RunFolder, answers: Answers): void {
  for (const [folder, way] of [
    ["before", WAYS.greedy],
    ["after", WAYS.trained],
  ] as const) {
    const lines = Object.values(answers[way]!)
      .flat()
      .map(({ sha256, ...line }) => ({ ...line, image: keepImage(run, sha256, line.image) }));
    run.writeLines(`eval/${folder}/samples.jsonl`, lines);
  }
}

/** `summary.json`: changes by set, the ways of asking on the sets of the gate, the gate itself, seconds. */
export function summarize(answers: Answers, seconds: Record<string, number>): Summary {
  const [before, after] = [answers[WAYS.greedy]!, answers[WAYS.trained]!];
  const sets = Object.keys(before).map((set) => [set, changes(before[set]!, after[set]!)]);
  const gate = GATE.sets.map((set) => {
    const [{ acc: forced }, { acc: greedy }] = [numbers(answers[WAYS.forced]![set]!), numbers(before[set]!)];
    // A partial number cannot pass.
    const known = forced !== null && greedy !== null;
    return [set, { forced, greedy, passed: known && forced >= GATE.forcedAtLeast && greedy <= GATE.greedyAtMost }];
  });
  return {
    sets: Object.fromEntries(sets),
    rows: Object.values(WAYS).map((way) => row(way, onGate(answers[way]!))),
    gate: { ...GATE, ...Object.fromEntries(gate) },
    seconds,
  };
}

/** The answers on the sets of the gate alone: those that were asked in every way. */
function onGate(bySet: Record<string, Answered[]>): Record<string, Answered[]> {
  return Object.fromEntries(Object.entries(bySet).filter(([set]) => GATE.sets.includes(set)));
}
