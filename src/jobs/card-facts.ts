/** @file Gathers what the card of an exported model says: from its folder, and from the run that it was trained in. */

import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { packageVersion } from "../../tools/places.mjs";
import { estimate } from "../evaluation/aggregate.ts";
import { pairedEstimate } from "../evaluation/compare-evaluations.ts";
import { measuredInRun } from "../evaluation/measured-in-run.ts";
import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { askedAs } from "../prompt/asked-as.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { CardFacts, CardRun, CardSet } from "../report/model-card.ts";
import type { ReadAnswer } from "../run/lines.ts";
import { readRunFolder } from "../run/read-run.ts";
import { groupBy } from "../util/arrays.ts";

/** What is read of a recipe; it may be one of another version. */
const recipeSchema = z.object({ model: z.string() });
const record = z.record(z.string(), z.string()).catch({});

/** A model that is exported. */
export interface CardedModel {
  /** What it will be called. */
  readonly name: string;
  /** Its folder, and that of its checkpoint: the base's, if it is an adapter. */
  readonly from: string;
  readonly dir: string;
  readonly processor: Processor;
  /** An adapter is folded into its base. */
  readonly merge: boolean;
}

/** What the card of a model says. @throws UserError when the run that it lies in cannot be read */
export async function cardFacts({ name, from, dir: base, processor, merge }: CardedModel): Promise<CardFacts> {
  const wasAdapter = existsSync(join(from, "adapter_config.json"));
  const asked = askedAs(from);
  const home = runOf(from);
  const run = home === undefined ? undefined : await readRunFolder(home);
  const recipe = recipeSchema.safeParse(run?.run?.recipe).data;
  const started = wasAdapter ? base : recipe?.model;
  return {
    name,
    base: started === undefined ? null : modelName(started),
    isAdapter: wasAdapter && !merge,
    family: String(readJsonIfPresent(base, "config.json")?.model_type ?? ""),
    boxSpace: processor.boxSpace,
    method: asked?.method ?? null,
    image: asked?.image ?? {},
    run: run?.run && recipe ? await runFacts(run) : null,
    version: packageVersion(),
  };
}

/** The run folder that a model lies in: `RUN/model`, or `RUN/checkpoints/step-N`. */
function runOf(model: string): string | undefined {
  const parent = dirname(resolve(model));
  return [parent, dirname(parent)].find((dir) => existsSync(join(dir, "run.json")));
}

async function runFacts({ run, metrics, evals }: Awaited<ReturnType<typeof readRunFolder>>): Promise<CardRun> {
  const times = metrics.map(({ seconds }) => seconds?.total);
  const seconds = times.filter((time) => typeof time === "number").reduce((sum, time) => sum + time, 0);
  return {
    recipe: withoutFolders(run!.recipe),
    data: record.parse(run!.data),
    steps: metrics.at(-1)?.step ?? 0,
    seconds: seconds > 0 ? seconds : null,
    machine: run!.machine,
    versions: run!.versions,
    git: typeof run!.git === "string" ? run!.git : null,
    sets: setsOf(evals.get("after") ?? [...evals.values()].at(-1) ?? [], evals.get("before") ?? []),
  };
}

function setsOf(after: readonly ReadAnswer[], before: readonly ReadAnswer[]): CardSet[] {
  return groupBy(after, ({ set }) => set).map((answers) => {
    const name = answers[0]!.set;
    const now = answers.map(measuredInRun);
    const then = before.filter(({ set }) => set === name).map(measuredInRun);
    const gain = (metric: "acc" | "giou") => (then.length > 0 ? pairedEstimate(then, now, metric).gain : null);
    return {
      ...{ name, samples: answers.length, acc: estimate(now, "acc"), giou: estimate(now, "giou") },
      ...{ accGain: gain("acc"), giouGain: gain("giou") },
    };
  });
}

/** The name on the hub of a folder in its cache; else the folder's own. */
function modelName(path: string): string {
  const [, org, name] = /[\\/]models--(.+?)--(.+?)[\\/]snapshots[\\/]/.exec(path) ?? [];
  return org !== undefined ? `${org}/${name}` : isAbsolute(path) ? basename(path) : path;
}

/** A value with every absolute path cut to its name: where files lie on a machine is nobody's business, and of no use elsewhere. */
function withoutFolders(value: unknown): unknown {
  if (typeof value === "string") return isAbsolute(value) ? modelName(value) : value;
  if (Array.isArray(value)) return value.map(withoutFolders);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutFolders(each)]));
}
