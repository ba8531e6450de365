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
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { imageOptions, type Recipe, settledIn } from "./config/recipe.ts";
import { dataHash, loadSamples } from "./data/samples.ts";
import { checkPrompts } from "./engine/check-prompts.ts";
import { machineRecord } from "./engine/computing.ts";
import type { TrainGroup } from "./engine/engine.ts";
import { LocalEngine } from "./engine/local.ts";
import type { MemoryEstimate, Workload } from "./engine/memory.ts";
import { type Answered, type AskedSet, askingOf, evaluate, heldOutSets } from "./evaluation/ask.ts";
import { mean } from "./evaluation/statistics.ts";
import { numbers } from "./evaluation/summary.ts";
import type { Judge } from "./judge/judge.ts";
import { openJudge } from "./judge/open.ts";
import { advantages, effectiveGroups } from "./objective/advantage.ts";
import type { GrpoLoss } from "./objective/loss.ts";
import { learningRate } from "./objective/schedule.ts";
import { writeAskedAs } from "./prompt/asked-as.ts";
import { METHODS } from "./prompt/methods.ts";
import type { Sample } from "./records.ts";
import { loadRewardModule, type Reward } from "./rewards/define.ts";
import { rewardPreset } from "./rewards/preset.ts";
import { rolloutGroups, rolloutMetrics, totalsOf, writeRollouts } from "./rollouts.ts";
import { RunFolder } from "./run/run-folder.ts";
import { native } from "./torch/native.ts";
import { Interrupted, UserError } from "./util/errors.ts";
import { Faults } from "./util/faults.ts";
import { stream } from "./util/random.ts";

export interface TrainOptions {
  /** The run folder. */
  readonly run: string;
  /** Go on with the run that is there. */
  readonly resume?: boolean;
  /** An engine opened by `openEngine`, when the caller goes on using it. */
  readonly engine?: LocalEngine;
  /** What `readData` gave, when the caller has read it already. */
  readonly data?: TrainingData;
  /** Called before the first step. */
  readonly onReady?: (ready: Ready) => void;
  /** Called while held-out sets are asked, with the samples answered so far in all evaluations of this sitting. */
  readonly onHeldOut?: (done: number) => void;
  /** Called after every step with its line of metrics. */
  readonly onStep?: (metrics: StepLine) => void;
  /** Stops the run: the state after the last whole step is saved. */
  readonly signal?: AbortSignal;
}

/** What is known before the first step. */
export interface Ready {
  /** What a step is estimated to take. */
  readonly memory: MemoryEstimate;
  /** Steps that an earlier sitting has made. */
  readonly from: number;
  /** Held-out samples that will be asked, in all evaluations to come. */
  readonly heldOut: number;
}

/** The engine a recipe asks for. @throws UserError when its model cannot be run */
export function openEngine(recipe: Recipe): LocalEngine {
  return new LocalEngine(recipe.model, {
    device: recipe.device,
    precision: recipe.precision,
    freeze: recipe.freeze,
    seed: recipe.seed,
    ...(recipe.lora && {
      lora: {
        rank: recipe.lora.rank,
        alpha: recipe.lora.alpha,
        dropout: recipe.lora.dropout,
        targets: recipe.lora.target_modules,
        parts: recipe.lora.parts,
        seed: recipe.seed,
      },
    }),
    reference: recipe.loss.beta > 0,
    microBatchTokens: recipe.micro_batch_tokens,
    activationCheckpointing: recipe.activation_checkpointing,
    image: imageOptions(recipe.image),
  });
}

/** What a run reads. */
export interface TrainingData {
  readonly samples: readonly Sample[];
  /** Empty where nothing is evaluated during training. */
  readonly heldOut: readonly AskedSet[];
}

/**
 * The data of a recipe. Reading them takes seconds, and opening a model may take minutes: this comes first.
 * @throws UserError naming every fault of the files
 */
export async function readData(recipe: Recipe): Promise<TrainingData> {
  const samples = await loadSamples(recipe.data.train, { images: recipe.data.images });
  return { samples, heldOut: recipe.eval.every > 0 ? await heldOutSets(recipe) : [] };
}

/**
 * Runs a recipe to its end. The policy is left in the engine; checkpoints, metrics and rollouts are in the run folder.
 * @throws UserError for bad data or a run folder in use, Interrupted after a signal
 */
export async function train(given: Recipe, options: TrainOptions): Promise<RunFolder> {
  const begun = options.resume ? settledIn(given, join(options.run, "run.json")) : given;
  const { samples, heldOut } = options.data ?? (await readData(begun));
  const judge = await openJudge(begun.judge, { signal: options.signal });
  const rewards = await openRewards(begun, judge);
  const engine = options.engine ?? openEngine(begun);
  const recipe: Recipe = { ...begun, precision: engine.precision };
  // Every image is decoded and every prompt laid out once before anything is written: bad data must not end a run midway.
  const workload = await workloadOf(recipe, engine, samples, heldOut);
  const { run, from } = await openRun(recipe, options, engine, samples);
  const loss: GrpoLoss = {
    kind: "grpo",
    form: recipe.loss.form,
    epsilonLow: recipe.loss.epsilon_low,
    epsilonHigh: recipe.loss.epsilon_high,
    beta: recipe.loss.beta,
    normalize: recipe.loss.normalize,
    maxTokens: recipe.sampling.max_tokens,
  };
  let done = from;
  // From a step's update to its line of metrics the weights are ahead of what is written: nothing then can be saved.
  let halfway = false;
  let barren = 0;
  let answered = 0;
  const onAnswered = (done: number) => options.onHeldOut?.(answered + done);
  try {
    const size = heldOut.reduce((n, { samples }) => n + samples.length, 0);
    const every = recipe.eval.every;
    const evaluations = every > 0 ? Math.floor(recipe.steps / every) - Math.floor(from / every) : 0;
    options.onReady?.({ memory: engine.memory(workload), from, heldOut: evaluations * size });
    for (let step = from + 1; step <= recipe.steps; step++) {
      options.signal?.throwIfAborted();
      const clock = new Stopwatch();

      const batch = batchOf(samples, recipe, step);
      const prompts = await Promise.all(batch.map((sample) => engine.processor.prompt(sample, recipe.method)));
      const completions = await engine.sample(prompts, {
        n: recipe.group_size,
        maxTokens: recipe.sampling.max_tokens,
        temperature: recipe.sampling.temperature,
        topP: recipe.sampling.top_p,
        topK: recipe.sampling.top_k,
        seed: stream(recipe.seed, "sampling", step).uint32(),
        stop: METHODS[recipe.method].stop,
        ...(options.signal && { signal: options.signal }),
      });
      clock.lap("sample");

      const groups = await rolloutGroups(engine.processor, rewards, batch, prompts, completions);
      const A = advantages(totalsOf(groups), recipe.advantage);
      clock.lap("reward");

      const references =
        recipe.loss.beta > 0
          ? engine.score(
              "reference",
              completions.map((group, g) => ({ prompt: prompts[g]!, completions: group.map(({ ids }) => ids) })),
            )
          : undefined;
      clock.lap("score");

      const items: TrainGroup[] = completions.map((group, g) => ({
        prompt: prompts[g]!,
        items: group.map(({ ids, logprobs }, k) => ({
          ids,
          advantage: A[g]![k]!,
          oldLogprobs: logprobs,
          ...(references && { referenceLogprobs: references[g]![k]! }),
        })),
      }));
      const { lr, betas, eps, weight_decay, clip_norm } = recipe.optimizer;
      const rate = learningRate(
        { lr, schedule: recipe.optimizer.schedule, warmupSteps: recipe.optimizer.warmup_steps, steps: recipe.steps },
        step - 1,
      );
      halfway = true;
      const updates = Array.from({ length: recipe.loss.updates_per_rollout }, () => ({
        ...engine.forwardBackward(items, loss).metrics,
        ...engine.step({ lr: rate, betas, eps, weightDecay: weight_decay, clipNorm: clip_norm }),
      }));
      clock.lap("train");

      const first = updates[0]!;
      const average = (key: "loss" | "kl" | "entropy" | "clipFraction" | "gradNorm") =>
        mean(updates.map((update) => update[key]));
      const line = {
        step,
        ...rolloutMetrics(groups),
        advantage: { absMean: mean(A.flat().map(Math.abs)), effectiveGroups: effectiveGroups(A) },
        loss: average("loss"),
        kl: average("kl"),
        entropy: average("entropy"),
        clipFraction: average("clipFraction"),
        gradNorm: average("gradNorm"),
        skipped: updates.filter(({ skipped }) => skipped).length,
        lr: rate,
        // Before the first update both sides are the same weights: the gap is rounding alone.
        mismatch: { mean: first.mismatchMean, max: first.mismatchMax },
        tokensPerSecond: first.tokens / clock.total(),
        seconds: clock.seconds(),
        rssMB: Math.round(process.memoryUsage.rss() / 2 ** 20),
      };
      writeRollouts(run, step, groups, A);
      const due = recipe.eval.every > 0 && step % recipe.eval.every === 0;
      const measured = due
        ? { heldOut: await measureHeldOut(engine, recipe, run, heldOut, step, judge, onAnswered) }
        : {};
      answered += due ? size : 0;
      run.appendMetrics({ ...line, ...measured });
      options.onStep?.(line);
      done = step;
      halfway = false;
      barren = line.skipped > 0 ? barren + 1 : 0;
      if (barren === 3) {
        throw new UserError(
          `The gradient was not finite in three steps in a row, ${step - 2} to ${step}; those updates were left out.`,
          `Resume ${run.dir} from its last checkpoint with a lower optimizer.lr, or in precision: float32.`,
        );
      }
      // The first step that has something to teach moves every part that can be moved at all.
      const teaches = line.advantage.effectiveGroups > 0 && line.gradNorm > 0 && rate > 0;
      if (teaches && engine.still.length > 0) {
        throw new UserError(
          `Step ${step} has not moved these parts, though they are trained: ${engine.still.join(", ")}. No gradient reaches them.`,
          "Freeze them, or train on data that they have a part in: without images there is no gradient for vision.",
        );
      }
      if (step % recipe.save.every === 0 || step === recipe.steps) await save(run, engine, recipe, step);
    }
  } catch (error) {
    // Anything else that fails, also after a signal, may have left a step half done: that is not to be saved.
    const signalled = options.signal?.aborted && error === options.signal.reason;
    if (!signalled && !(error instanceof Interrupted)) throw error;
    if (done > from && !halfway) await save(run, engine, recipe, done);
    const why = error instanceof Interrupted ? `${error.message}\n  ` : "";
    throw new Interrupted(`${why}Interrupted after step ${done}; the run is saved in ${run.dir}. Go on with --resume.`);
  } finally {
    if (!options.engine) engine.dispose();
  }
  return run;
}

/**
 * What a step can come to. Lays out every prompt, those of held-out sets too where they are asked meanwhile: an evaluation
 * comes before its step is saved.
 * @throws UserError naming all that cannot be asked, or have no room for their completions
 */
async function workloadOf(
  recipe: Recipe,
  engine: LocalEngine,
  samples: readonly Sample[],
  heldOut: readonly AskedSet[],
): Promise<Workload> {
  const faults = new Faults();
  const maxTokens = recipe.sampling.max_tokens;
  const lay = (where: string, samples: readonly Sample[], newTokens: number) =>
    checkPrompts(
      engine,
      samples.map((sample) => ({ where, sample, method: recipe.method, newTokens })),
      faults,
    );
  const sizes = await lay("data.train", samples, maxTokens);
  for (const set of heldOut) await lay(`data.eval.${set.name}`, set.samples, askingOf(recipe).maxTokens);
  const largest = (of: "tokens" | "patches") => sizes.reduce((most, size) => Math.max(most, size[of]), 0);
  faults.throwIfAny("the data", "Fix what is named above and run the command again; nothing was written.");
  return {
    prompts: recipe.prompts_per_step,
    completions: recipe.group_size,
    promptTokens: largest("tokens"),
    patches: largest("patches"),
    maxTokens,
  };
}

/** Greedy answers to the held-out sets: kept under `eval/step-N/`, their numbers given back. */
async function measureHeldOut(
  engine: LocalEngine,
  recipe: Recipe,
  run: RunFolder,
  sets: readonly AskedSet[],
  step: number,
  judge: Judge,
  onAnswered: (done: number) => void,
) {
  const measured: Record<string, ReturnType<typeof numbers>> = {};
  const lines: Answered[] = [];
  for (const set of sets) {
    const before = lines.length;
    const [answered] = await evaluate(engine, set, [askingOf(recipe)], judge, (done) => onAnswered(before + done));
    measured[set.name] = numbers(answered!);
    lines.push(...answered!);
  }
  run.writeLines(`eval/step-${step}/samples.jsonl`, lines);
  return measured;
}

async function openRewards(recipe: Recipe, judge: Judge): Promise<Reward[]> {
  const custom = await Promise.all(recipe.rewards.custom.map(loadRewardModule));
  return [...rewardPreset(recipe.rewards.preset, judge), ...custom.flat()];
}

/** A new run folder, or the one to go on with and the step it has reached. */
async function openRun(
  recipe: Recipe,
  options: TrainOptions,
  engine: LocalEngine,
  samples: readonly Sample[],
): Promise<{ run: RunFolder; from: number }> {
  const data = { train: await dataHash(samples) };
  if (!options.resume) {
    const machine = machineRecord(engine.device);
    return { run: RunFolder.create(options.run, { recipe, libtorch: native.version(), machine, data }), from: 0 };
  }
  const { run, checkpoint } = RunFolder.resume(options.run);
  const began = run.readJson("run.json") as { data?: { train?: string } };
  if (began.data?.train !== data.train) {
    throw new UserError(
      `The training data are not those that ${run.dir} began with: their lines or images have changed.`,
      "Restore them, or begin a new run by another --run.",
    );
  }
  run.noteChanges(recipe, checkpoint?.step ?? 0);
  if (checkpoint) engine.load(join(checkpoint.dir, "trainer"));
  return { run, from: checkpoint?.step ?? 0 };
}

/** The samples of a step: the data shuffled anew each epoch, read on from where the last step ended. */
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

/** A Hugging Face folder, and beside it under `trainer/` what only training needs. Random streams and the place in the
 * data are functions of seed and step, so the step is all there is to remember of them. */
async function save(run: RunFolder, engine: LocalEngine, recipe: Recipe, step: number): Promise<void> {
  await run.saveCheckpoint(step, (dir) => {
    mkdirSync(dir, { recursive: true });
    engine.export(dir);
    writeAskedAs(dir, { method: recipe.method, image: imageOptions(recipe.image) });
    engine.save(join(dir, "trainer"));
  });
  run.prune(recipe.save.keep);
}

/** Seconds by phase. */
class Stopwatch {
  readonly #start = performance.now();
  #last = this.#start;
  readonly #laps: Record<string, number> = {};

  lap(name: string): void {
    const now = performance.now();
    this.#laps[name] = (now - this.#last) / 1000;
    this.#last = now;
  }

  total(): number {
    return (performance.now() - this.#start) / 1000;
  }

  seconds(): Record<string, number> {
    return { ...this.#laps, total: this.total() };
  }
}

/** What `onStep` sees of a line of metrics. */
export interface StepLine {
  readonly step: number;
  readonly reward: { readonly mean: number };
  readonly accuracy: number;
  readonly giou: number;
  readonly kl: number;
  readonly length: { readonly mean: number };
}
