/**
 * @file What is checked of a recipe before its first step, without sampling: every image is decoded, every prompt laid out with
 * its method, gold answers are judged by the rule, and what is odd in data and settings is told of. Bad data
 * must not end a run midway.
 */

import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { DiskForecast, Finding, StaticFigures } from "./check-result.ts";
import type { Recipe } from "./config/recipe.ts";
import { doubtsAbout, leaksInto, linesOf } from "./data/doubts.ts";
import { solo, type Team } from "./distributed/team.ts";
import { checkPrompts } from "./engine/check-prompts.ts";
import type { Engine } from "./engine/engine.ts";
import type { Workload } from "./engine/memory.ts";
import { type AskedSet, askingOf } from "./evaluation/ask.ts";
import { goldScore } from "./evaluation/metrics.ts";
import { exactJudge } from "./judge/exact.ts";
import { askedAs } from "./prompt/asked-as.ts";
import { METHODS } from "./prompt/methods.ts";
import type { Sample } from "./records.ts";
import { Faults, firstFew } from "./util/faults.ts";
import type { Cancellable } from "./util/interruptible.ts";
import { bytes } from "./util/quantities.ts";

/** What a preflight has found, where it has found nothing that must not be. */
export interface Preflight {
  /** The largest sizes of a step, to estimate its memory. */
  readonly workload: Workload;
  /** A sample with a prompt of that size. */
  readonly longest: Sample;
  readonly figures: StaticFigures;
  readonly warnings: readonly Finding[];
}

/** What a run reads, as far as it is checked here. */
interface CheckedData {
  readonly samples: readonly Sample[];
  readonly heldOut: readonly AskedSet[];
}

/**
 * Checks a recipe with its engine. `run` is the folder that is going to be written. Prompts of held-out sets are laid out too where
 * they are asked meanwhile: an evaluation comes before its step is saved.
 * @throws UserError naming every prompt that cannot be asked or has no room for its completion
 */
export async function preflight(
  recipe: Recipe,
  engine: Engine,
  { samples, heldOut }: CheckedData,
  { run, signal, team = solo }: Cancellable & { readonly run: string; readonly team?: Team },
): Promise<Preflight> {
  const faults = new Faults();
  const maxTokens = recipe.sampling.max_tokens;
  const lay = (where: string, samples: readonly Sample[], newTokens: number) =>
    checkPrompts(
      engine,
      samples.map((sample) => ({ where: sample.where ?? where, sample, method: recipe.method, newTokens })),
      faults,
      { signal },
    );
  const sizes = await lay("data.train", samples, maxTokens);
  for (const set of heldOut) await lay(`data.eval.${set.name}`, set.samples, askingOf(recipe).maxTokens);
  faults.throwIfAny("the data", "Fix what is named above and run the command again; nothing was written.");
  const largest = (of: "tokens" | "patches") => sizes.reduce((most, size) => Math.max(most, size[of]), 0);
  const longest = samples.find((_, i) => sizes[i]!.tokens === largest("tokens"))!;
  const disk = diskOf(recipe, engine, run);
  return {
    workload: {
      prompts: Math.ceil(recipe.prompts_per_step / team.size),
      completions: recipe.group_size,
      promptTokens: largest("tokens"),
      patches: largest("patches"),
      maxTokens,
    },
    longest,
    figures: {
      samples: samples.length,
      images: new Set(samples.map(({ image }) => image)).size,
      longestPrompt: largest("tokens"),
      contextLength: engine.processor.contextLength,
      disk,
    },
    warnings: [
      ...(await oddData(samples, heldOut)),
      ...oddMethod(recipe, engine),
      ...oddSettings(recipe, samples, largest("tokens")),
      ...(disk.needed > disk.free ? [littleRoom(disk, run)] : []),
    ],
  };
}

async function oddData(samples: readonly Sample[], heldOut: readonly AskedSet[]): Promise<Finding[]> {
  const trained = doubtsAbout(samples).map((doubt) => ({ key: "data.train", ...doubt }));
  const leaked = heldOut.flatMap(({ name, samples: held }) =>
    leaksInto(samples, held).map((doubt) => ({ key: `data.eval.${name}`, ...doubt })),
  );
  const unproved: Sample[] = [];
  for (const sample of samples) if ((await goldScore(sample, exactJudge)) !== 1) unproved.push(sample);
  if (unproved.length === 0) return [...trained, ...leaked];
  const unequal = {
    key: "data.train",
    what: `The gold answers of these samples would not get full marks by the rule: ${firstFew(unproved.map(({ id }) => id)).join(", ")}.`,
    remedy: "`grit data check` says why, sample by sample.",
    at: linesOf(unproved),
  };
  return [...trained, ...leaked, unequal];
}

/** What goes badly with the method: the model, the rewards. */
function oddMethod({ method, rewards }: Recipe, { dir, processor }: Engine): Finding[] {
  const found: Finding[] = [];
  const was = askedAs(dir)?.method;
  if (was !== undefined && was !== method)
    found.push({
      key: "method",
      what: `The method is ${method}, but the model was trained with ${was}.`,
      remedy: `Write method: ${was}, unless you mean to change it.`,
    });
  const fitting =
    processor.boxSpace === "permille" ? method.replace(/^(icl|detect)$/, "$1-box") : method.replace(/-box$/, "");
  if (fitting !== method)
    found.push({
      key: "method",
      what: `The method ${method} speaks of boxes as another family writes them.`,
      remedy: `Write method: ${fitting}.`,
    });
  if (!METHODS[method].suffix.includes("<think>"))
    found.push({
      key: "method",
      what: `The method ${method} does not ask for <think> and <rethink>, which rewards.preset: ${rewards.preset} scores.`,
      remedy: "Write method: grit, or keep to rewards of your own that do not need them.",
    });
  return found;
}

/** Settings that are allowed, and hardly meant. */
function oddSettings(recipe: Recipe, samples: readonly Sample[], longest: number): Finding[] {
  const { optimizer, steps, prompts_per_step, sampling, micro_batch_tokens } = recipe;
  const found: Finding[] = [];
  if (optimizer.lr === 0)
    found.push({ key: "optimizer.lr", what: "The learning rate is 0: nothing is learned.", remedy: "Raise it." });
  if (optimizer.warmup_steps >= steps)
    found.push({
      key: "optimizer.warmup_steps",
      what: `The learning rate warms up for ${optimizer.warmup_steps} steps, but the run has ${steps}.`,
      remedy: "Lower optimizer.warmup_steps or raise steps.",
    });
  if (prompts_per_step > samples.length)
    found.push({
      key: "prompts_per_step",
      what: `A step takes ${prompts_per_step} prompts, but data.train has ${samples.length} samples: some come twice in a step.`,
      remedy: `Lower prompts_per_step to ${samples.length}.`,
    });
  const sequence = longest + sampling.max_tokens;
  if (sequence > micro_batch_tokens)
    found.push({
      key: "micro_batch_tokens",
      what: `The longest prompt of ${longest} tokens with sampling.max_tokens: ${sampling.max_tokens} makes ${sequence} tokens, more than a pass is meant to hold (${micro_batch_tokens}).`,
      remedy: "Raise micro_batch_tokens to that if memory allows, or lower sampling.max_tokens or the image's size.",
    });
  return found;
}

/** The checkpoints that a run keeps, with the one that is being written, and the room on the disk of its folder. */
function diskOf({ save, lora }: Recipe, { dir, parameters }: Engine, run: string): DiskForecast {
  const trained = [...parameters.values()].reduce((sum, { trainable }) => sum + trainable, 0);
  const files = readdirSync(dir).filter((name) => name.endsWith(".safetensors"));
  const weights = files.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  // Masters and two moments in float32.
  const checkpoint = (lora ? 4 * trained : weights) + 12 * trained;
  let there = resolve(run);
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return { needed: (save.keep + 1) * checkpoint, free: bavail * bsize };
}

function littleRoom({ needed, free }: DiskForecast, run: string): Finding {
  return {
    key: "save.keep",
    what: `The checkpoints of ${run} come to ${bytes(needed)}, and its disk has ${bytes(free)} free.`,
    remedy: "Lower save.keep, free some space, or write to another disk by --run.",
  };
}
