/**
 * @file The main job from nothing: render the scenes, measure the base model in four ways, train it with GRPO-GR on
 * twenty triplets, measure again. The four ways stand beside the result so that nobody mistakes what was learned.
 */
import { LOOK_PREFIX } from "./data/scenes/chains.ts";
import type { LocalEngine } from "./engine/local.ts";
import { type Answered, type Asking, askingOf, evaluate, heldOutSets } from "./evaluate.ts";
import { openJudge } from "./judge/open.ts";
import { Progress } from "./progress.ts";
import type { Recipe } from "./recipe.ts";
import type { Summary } from "./report/schema.ts";
import { keepImage } from "./rollouts.ts";
import type { RunFolder } from "./run.ts";
import { changes, numbers, row } from "./summary.ts";

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

/** What RL must find in the base: looking first is clearly better than what the base does by itself. */
export const GATE = { forcedAtLeast: 0.85, greedyAtMost: 0.7, sets: ["vsr", "tallyqa"] };

/** Asks the base in four ways. */
export function measureBase(engine: LocalEngine, recipe: Recipe): Promise<Answers> {
  const asking = askingOf(recipe);
  return measureAll(engine, recipe, "measure the base", {
    [WAYS.direct]: { ...asking, method: "direct" },
    [WAYS.greedy]: asking,
    [WAYS.sampled]: { ...asking, temperature: 1 },
    [WAYS.forced]: { ...asking, prefix: LOOK_PREFIX },
  });
}

/** Asks the trained policy as the base was asked by the GRIT prompt. */
export function measureTrained(engine: LocalEngine, recipe: Recipe): Promise<Answers> {
  return measureAll(engine, recipe, "measure the result", { [WAYS.trained]: askingOf(recipe) });
}

async function measureAll(
  engine: LocalEngine,
  recipe: Recipe,
  label: string,
  ways: Record<string, Asking>,
): Promise<Answers> {
  const sets = await heldOutSets(recipe);
  const judge = await openJudge(recipe.judge);
  const names = Object.keys(ways);
  const total = names.length * sets.reduce((n, { samples }) => n + samples.length, 0);
  const progress = new Progress({ label, total });
  const answers: Answers = Object.fromEntries(names.map((name) => [name, {}]));
  let done = 0;
  for (const set of sets) {
    const byWay = await evaluate(engine, set, Object.values(ways), judge, (part) =>
      progress.update(done + part, set.name),
    );
    for (const [i, name] of names.entries()) answers[name]![set.name] = byWay[i]!;
    done += names.length * set.samples.length;
  }
  progress.finish();
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

/** `summary.json`: changes by set, the table of ways, the gate, seconds. */
export function summarize(answers: Answers, seconds: Record<string, number>): Summary {
  const [before, after] = [answers[WAYS.greedy]!, answers[WAYS.trained]!];
  const sets = Object.keys(before).map((set) => [set, changes(before[set]!, after[set]!)]);
  const gate = GATE.sets.map((set) => {
    const [{ acc: forced }, { acc: greedy }] = [numbers(answers[WAYS.forced]![set]!), numbers(before[set]!)];
    // A partial number proves nothing.
    const known = forced !== null && greedy !== null;
    return [set, { forced, greedy, passed: known && forced >= GATE.forcedAtLeast && greedy <= GATE.greedyAtMost }];
  });
  return {
    sets: Object.fromEntries(sets),
    rows: Object.values(WAYS).map((way) => row(way, answers[way]!)),
    gate: { ...GATE, ...Object.fromEntries(gate) },
    seconds,
  };
}
