/**
 * @file GRPO-GR, the paper's algorithm on one screen (section 3.2). Each step:
 *
 *     samples → prompts → completions → chains → rewards → advantages → loss → update
 *
 * Where it departs from the original's code: one engine samples and trains, so that no correction between two is
 * needed (the gap of their log-probabilities is logged); a step sees exactly `prompts_per_step` prompts, shuffled anew
 * each epoch; no end-of-sequence token is appended that the policy did not sample; a run is never overwritten.
 *
 *     grit train recipes/tiny.yaml --run runs/tiny
 */

import { join } from "node:path";
import { Watch } from "./alarms/watch.ts";
import type { Finding } from "./check-result.ts";
import { modelHash } from "./checkpoint/hash.ts";
import { about, inSection } from "./config/key-places.ts";
import { type Recipe, settledIn } from "./config/recipe.ts";
import { toEngine, toLoss, toOptimizer, toSchedule } from "./config/recipe-options.ts";
import { dataHash } from "./data/samples.ts";
import { loadTrainingSet } from "./data/training-set.ts";
import { solo, type Team } from "./distributed/team.ts";
import type { Engine } from "./engine/engine.ts";
import type { MemoryEstimate } from "./engine/memory.ts";
import { RemoteEngine } from "./engine/remote-engine.ts";
import { updatesIn } from "./engine/state.ts";
import { type AskedSet, heldOutSets } from "./evaluation/ask.ts";
import { Health } from "./health.ts";
import { HeldOut } from "./held-out.ts";
import type { Checkpoint } from "./hub/run-checkpoints.ts";
import { exactJudge } from "./judge/exact.ts";
import type { Judge } from "./judge/judge.ts";
import { openJudge } from "./judge/open.ts";
import { together } from "./objective/loss.ts";
import { learningRate } from "./objective/schedule.ts";
import { preflight } from "./preflight.ts";
import type { Sample } from "./records.ts";
import { type Reward, refuseTwice } from "./rewards/define.ts";
import { guarded } from "./rewards/guarded.ts";
import { loadRewardModule } from "./rewards/load-module.ts";
import { rewardsOf } from "./rewards/rewards-of.ts";
import { rollOut, sizeOf, toTrainGroup, writeRollouts } from "./rollouts.ts";
import type { MetricsLine } from "./run/lines.ts";
import { RunFolder, type RunInfo } from "./run/run-folder.ts";
import { Saving } from "./saving.ts";
import { stepLine, type Update } from "./step-metrics.ts";
import { differences, excerpts } from "./util/differences.ts";
import { Interrupted, UserError } from "./util/errors.ts";
import { type Cancellable, unlessAborted } from "./util/interruptible.ts";
import { stream } from "./util/random.ts";
import { Stopwatch } from "./util/stopwatch.ts";

export interface TrainOptions {
  /** The run folder. */
  readonly run: string;
  /** Continue the run in the folder. */
  readonly resume?: boolean;
  /** An engine opened by `openEngine`, when the caller goes on using it. */
  readonly engine?: Engine;
  /** What `readData` gave, when the caller has read it already. */
  readonly data?: TrainingData;
  /** Those who train together; this process alone where absent. All call `train` alike, and rank 0 writes the run. */
  readonly team?: Team;
  /** Called before the first step. */
  readonly onReady?: (ready: Ready) => void;
  /** Called while held-out sets are asked after a step, with the samples answered so far in all evaluations since the start. */
  readonly onHeldOut?: (done: number, step: number) => void;
  /** Called after every step with its line of metrics. */
  readonly onStep?: (metrics: MetricsLine) => void;
  /** Stops the run: the state after the last whole step is saved. */
  readonly signal?: AbortSignal;
}

/** Facts that are known before the first step. */
export interface Ready {
  /** What a step is estimated to take. */
  readonly memory: MemoryEstimate;
  /** Steps that were made before an interruption. */
  readonly from: number;
  /** Held-out samples that will be asked, in all evaluations to come. */
  readonly heldOut: number;
  /** Of a run that goes on: the keys of its recipe that have changed, and what could not be compared. */
  readonly notes: readonly string[];
  /** What is odd about recipe and data. */
  readonly warnings: readonly Finding[];
}

/**
 * The engine a recipe asks for; dispose it when it is no longer needed. It computes in a thread of its own.
 * @throws UserError when its model cannot be run; the signal's reason when it fires
 */
export function openEngine(recipe: Recipe, options: Cancellable = {}): Promise<Engine> {
  return about("model", () => RemoteEngine.open(recipe.model, toEngine(recipe), options));
}

/** What a run reads. */
export interface TrainingData {
  readonly samples: readonly Sample[];
  /** Empty where nothing is evaluated during training. */
  readonly heldOut: readonly AskedSet[];
  /** Those of the recipe's own modules. */
  readonly rewards: readonly Reward[];
}

/**
 * The data of a recipe and its reward modules. Reading them takes seconds, and opening a model may take minutes: this comes first.
 * @throws UserError naming every fault of the files, or what is wrong with a module
 */
export async function readData(recipe: Recipe): Promise<TrainingData> {
  const samples = await loadTrainingSet(recipe.data);
  const heldOut = recipe.eval.every > 0 ? await heldOutSets(recipe) : [];
  return { samples, heldOut, rewards: await customRewards(recipe) };
}

async function customRewards({ rewards }: Recipe): Promise<Reward[]> {
  const modules = rewards.custom.map((path, i) => about(`rewards.custom.${i}`, () => loadRewardModule(path)));
  const custom = (await Promise.all(modules)).flat().map(guarded);
  // Weights of terms that are not there, and two terms of one name, are refused before a model is opened.
  const all = rewardsOf(rewards, exactJudge, custom);
  await about("rewards.custom", () => refuseTwice(all));
  return custom;
}

/**
 * Runs a recipe to its end. The policy is left in the engine; checkpoints, metrics and rollouts are in the run folder.
 * @throws UserError for bad data or a run folder in use, RolledBack when it can learn no more, Interrupted after a signal
 */
export async function train(given: Recipe, options: TrainOptions): Promise<RunFolder> {
  const { team = solo } = options;
  const signal = heed(team, options.signal);
  // An engine that is open already was opened by the recipe as it is given.
  const isOpen = options.engine !== undefined;
  const begun = options.resume && !isOpen ? settledIn(given, join(options.run, "run.json")) : given;
  const data = options.data ?? (await readData(begun));
  const { samples, heldOut: sets, rewards: custom } = data;
  // Rank 0 alone asks a judge.
  const judge = team.leads ? await inSection("judge", () => openJudge(begun.judge, { signal })) : exactJudge;
  const rewards = rewardsOf(begun.rewards, judge, custom);
  const engine = options.engine ?? (await openEngine(begun, { signal }));
  const recipe: Recipe = { ...begun, precision: engine.precision };
  refuseOtherRecipes(await team.gather(recipe));
  const hashes = team.leads ? await hashesOf(recipe, samples, signal) : undefined;
  if (options.resume && hashes) refuseOtherRun(RunFolder.open(options.run), recipe, hashes);
  const { workload, longest, warnings } = await preflight(recipe, engine, data, { run: options.run, signal, team });
  const [loss, optimizer, schedule] = [toLoss(recipe), toOptimizer(recipe.optimizer), toSchedule(recipe)];
  await engine.rehearse(await engine.processor.prompt(longest, recipe.method), workload, loss);
  const { run, from, notes } = await openRun(recipe, options, engine, team, hashes);
  const saved = new Saving(run, engine, recipe, from, team);
  try {
    const past = (await team.gather(team.leads ? run.metrics() : []))[0]!;
    const health = new Health(run, engine, recipe, saved, from, past);
    const watch = new Watch(past);
    const heldOut = new HeldOut(engine, recipe, run, sets, judge, past, {
      onAnswered: options.onHeldOut,
      signal,
      team,
    });
    options.onReady?.({ memory: await engine.memory(workload), from, heldOut: heldOut.toCome(from), notes, warnings });
    await heldOut.makeUp();
    for (let step = from + 1; step <= recipe.steps; step++) {
      signal?.throwIfAborted();
      const clock = new Stopwatch();

      const batch = batchOf(samples, recipe, step);
      const { groups, own } = await rollOut(engine, rewards, batch, recipe, step, { clock, signal, team });

      const lr = learningRate(schedule, step - 1);
      const updates: Update[] = [];
      for (let update = 0; update < recipe.loss.updates_per_rollout; update++) {
        team.at(`step ${step}, gradient ${update + 1}`);
        const { metrics } = await engine.forwardBackward(own.map(toTrainGroup), loss, {
          // What several do over tensors they all see through.
          signal: team.size === 1 ? signal : team.broken,
          whole: sizeOf(groups),
        });
        const parts = await team.gather(metrics);
        saved.begin();
        team.at(`step ${step}, update ${update + 1}`);
        updates.push({ ...together(parts), ...(await engine.step({ lr, ...optimizer, signal: team.broken })) });
      }
      clock.lap("train");

      const line = watch.after(stepLine(step, groups, updates, lr, clock));
      if (team.leads) {
        writeRollouts(run, step, groups);
        run.appendMetrics(line);
      }
      await health.check(line, updates);
      saved.end(line);
      await heldOut.after(step);
      options.onStep?.(line);
      if (step % recipe.save.every === 0 || step === recipe.steps) await saved.save();
    }
  } catch (error) {
    throw await saved.rescue(await team.halt(error), signal);
  } finally {
    run.release();
    if (!isOpen) await engine.dispose();
  }
  return run;
}

/**
 * The rewards of a recipe: its preset's, then those of its own modules, weighted as it says.
 * @param judge who judges answers; without one, the judge that the recipe names is opened
 * @throws UserError for a reward module or a judge that cannot be used
 */
export async function openRewards(recipe: Recipe, judge?: Judge): Promise<Reward[]> {
  const custom = await customRewards(recipe);
  return rewardsOf(recipe.rewards, judge ?? (await inSection("judge", () => openJudge(recipe.judge))), custom);
}

/** What a run's model and data are, wherever they lie. */
type Hashes = Pick<RunInfo, "model" | "data">;

async function hashesOf(recipe: Recipe, samples: readonly Sample[], signal: AbortSignal | undefined): Promise<Hashes> {
  const model = await unlessAborted(signal, modelHash(recipe.model));
  return { model, data: { train: await unlessAborted(signal, dataHash(samples)) } };
}

/** @throws UserError when a run began with another model or other data, or has made more steps than the recipe asks for */
function refuseOtherRun(run: RunFolder, recipe: Recipe, { model, data }: Hashes): void {
  const begun = run.begun();
  if (begun.model !== undefined && begun.model !== model) {
    throw new UserError(
      `The weights or files of ${recipe.model} are not those that ${run.dir} began with` +
        ` (model: ${(begun.recipe as Partial<Recipe>).model}).`,
      "Name or restore that model, or begin a new run by another --run.",
    );
  }
  if (begun.data?.train !== data.train) {
    throw new UserError(
      `The training data are not those that ${run.dir} began with: their lines or images have changed.`,
      "Restore them, or begin a new run by another --run.",
    );
  }
  const done = run.latestCheckpoint()?.step ?? 0;
  if (done > recipe.steps) {
    throw new UserError(
      `${run.dir} has made ${done} steps, more than the ${recipe.steps} that the recipe asks for.`,
      `Set steps to ${done} or more, or begin a new run by another --run.`,
    );
  }
}

type OpenedRun = { readonly run: RunFolder; readonly from: number } & Pick<Ready, "notes">;

/** A new run folder, or the one to continue, which rank 0 opens, who has the hashes, and the others follow; with its state loaded. */
async function openRun(
  recipe: Recipe,
  options: TrainOptions,
  engine: Engine,
  team: Team,
  hashes: Hashes | undefined,
): Promise<OpenedRun> {
  const { libtorch, machine } = engine;
  const create = (hashes: Hashes) => RunFolder.create(options.run, { recipe, libtorch, machine, ...hashes });
  team.at("opening the run");
  let opened: OpenedRun = { run: RunFolder.followed(options.run), from: 0, notes: [] };
  if (hashes) opened = options.resume ? resumed(options.run, recipe) : { ...opened, run: create(hashes) };
  const { run, notes } = opened;
  try {
    const from = (await team.gather(opened.from))[0]!;
    if (from > 0) await engine.load(join(run.checkpointDir(from), "trainer"));
    if (hashes && options.resume) run.goOn(from, { recipe, model: hashes.model });
    return { run, from, notes };
  } catch (error) {
    run.release();
    throw error;
  }
}

/** The run in a folder, the step it has reached, and what to know of its going on. */
function resumed(dir: string, recipe: Recipe): OpenedRun {
  const { run, checkpoint } = RunFolder.resume(dir);
  try {
    const notes = run.changesTo(recipe).map((change) => {
      const [before, now] = excerpts(change);
      return `${change.key}: ${before} before, ${now} now`;
    });
    if (run.begun().model === undefined) notes.push(`model: ${run.dir}/run.json has no hash of it to compare with`);
    if (checkpoint) refuseOtherState(run, checkpoint);
    return { run, from: checkpoint?.step ?? 0, notes };
  } catch (error) {
    run.release();
    throw error;
  }
}

/** @throws UserError when the training state of a checkpoint is that of another step */
function refuseOtherState(run: RunFolder, { step, dir }: Checkpoint): void {
  const [made, seen] = [run.updatesUntil(step), updatesIn(join(dir, "trainer"))];
  if (made === undefined || made === seen) return;
  throw new UserError(
    `The training state in ${join(dir, "trainer")} has seen ${seen} updates, but step ${step} of ${run.dir} is after ${made}.`,
    `It is that of another step or run: restore it, or remove ${dir} and resume from the checkpoint before it.`,
  );
}

/** @throws UserError when a rank does not train by the recipe of rank 0: another file, or another processor's `precision: auto` */
function refuseOtherRecipes([first, ...others]: readonly Recipe[]): void {
  for (const [i, other] of others.entries()) {
    const [change] = differences(first, other);
    if (!change) continue;
    const [here, there] = excerpts(change);
    throw new UserError(
      `Rank ${i + 1} does not train by the recipe of rank 0: ${change.key} is ${there}, not ${here}.`,
      "Give all ranks the same recipe, at the same paths, and write its precision out where their processors differ.",
    );
  }
}

/** A signal that fires when the given one does, which stops the whole team, or when another process stops it. */
function heed(team: Team, signal: AbortSignal | undefined): AbortSignal | undefined {
  if (team.size === 1) return signal;
  signal?.addEventListener("abort", () => void team.halt(new Interrupted("")));
  return signal ? AbortSignal.any([signal, team.stop]) : team.stop;
}

/** The samples of a step: the data are shuffled anew each epoch, and each step continues where the last one ended. */
export function batchOf(
  samples: readonly Sample[],
  recipe: Pick<Recipe, "seed" | "prompts_per_step">,
  step: number,
): Sample[] {
  const start = (step - 1) * recipe.prompts_per_step;
  const epochs = new Map<number, Sample[]>();
  const order = (epoch: number) =>
    epochs.get(epoch) ?? epochs.set(epoch, stream(recipe.seed, "data", epoch).shuffle(samples)).get(epoch)!;
  return Array.from({ length: recipe.prompts_per_step }, (_, i) => {
    const epoch = Math.floor((start + i) / samples.length);
    return order(epoch)[(start + i) % samples.length]!;
  });
}
