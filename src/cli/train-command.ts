/** @file `grit train RECIPE`: GRPO-GR by a recipe. */

import { basename, join } from "node:path";
import { Command } from "commander";
import { begun } from "../alarms/watch.ts";
import { findingText } from "../check-result.ts";
import { placing } from "../config/key-places.ts";
import { loadRecipe, type Recipe, settledIn } from "../config/recipe.ts";
import { endWithParent, launch } from "../distributed/launch.ts";
import { type World, worldOf } from "../distributed/ranks.ts";
import { solo } from "../distributed/team.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineThread } from "../engine/engine-thread.ts";
import { meet } from "../engine/join-team.ts";
import type { MetricsLine } from "../run/lines.ts";
import { RunFolder } from "../run/run-folder.ts";
import { Followers } from "../track/track-run.ts";
import { openEngine, type Ready, readData, train } from "../train.ts";
import { extent } from "../util/arrays.ts";
import { exitCodeOf, Interrupted, ToldElsewhere, UserError } from "../util/errors.ts";
import { unlessAborted } from "../util/interruptible.ts";
import { Progress, type Stage } from "../util/progress.ts";
import { table } from "../util/table.ts";
import { interruptibly } from "./interrupts.ts";
import { planMemory } from "./memory-plan.ts";

interface TrainFlags {
  readonly run?: string;
  readonly resume?: boolean;
  readonly plan?: boolean;
  readonly card?: string;
  readonly processes?: number;
  readonly rankTimeout: number;
}

/** The command `train`. */
export function trainCommand(): Command {
  return new Command("train")
    .description("train a model with GRPO-GR by a recipe; overrides are written key.sub=value")
    .argument("<recipe>", "a YAML file, or the name of a recipe that comes with the package, e.g. tiny")
    .argument("[overrides...]", "e.g. seed=2 optimizer.lr=1e-5")
    .option("--run <dir>", "the run folder (default: runs/<recipe's name>)")
    .option("--resume", "continue the run in that folder")
    .option(
      "--plan",
      "show the memory that a step takes, with --card its time as well, and stop; needs neither data nor weights",
    )
    .option("--card <size>", "with --plan: for a GPU of that size instead of this machine, e.g. 80GB")
    .option(
      "--processes <n>",
      "train with so many processes on this machine, a GPU or some of the cores each",
      processCount,
    )
    .option("--rank-timeout <seconds>", "of several processes, how long one may be silent", seconds, 300)
    .action(async (file: string, overrides: string[], flags: TrainFlags) => {
      const { run, resume = false, plan, card, processes = 1 } = flags;
      if (card !== undefined && !plan) throw new UserError("--card is given without --plan.", "Add --plan.");
      if (plan) {
        const planned = await loadRecipe(file, overrides, { weights: false });
        console.log(await placing(planned, () => planMemory(planned, { card, processes })));
        return;
      }
      const given = await loadRecipe(file, overrides, { files: true });
      const dir = run ?? `runs/${basename(file).replace(/\.ya?ml$/, "")}`;
      const world = worldOf();
      if (processes > 1) {
        if (world)
          throw new UserError(
            "--processes is given, but WORLD_SIZE says that this is one of several.",
            "Leave one out.",
          );
        RunFolder.refuseUnfit(dir, resume);
        const more = [...(resume ? ["--resume"] : []), "--rank-timeout", String(flags.rankTimeout)];
        await launch(["train", file, ...overrides, "--run", dir, ...more], processes);
        return;
      }
      if (world) endWithParent();
      const leads = world === undefined || world.rank === 0;
      if (leads) RunFolder.refuseUnfit(dir, resume);
      const recipe = resume ? settledIn(given, join(dir, "run.json")) : given;
      const timeout = 1000 * flags.rankTimeout;
      const trained = (signal: AbortSignal) => trainHere(recipe, { dir, resume, world, timeout, signal });
      await placing(given, () => interruptibly(NOTHING_YET, trained, leads));
    });
}

const NOTHING_YET = "Interrupted before the first step; nothing was written.";

interface Here {
  readonly dir: string;
  readonly resume: boolean;
  /** Where this process is one of several. */
  readonly world: World | undefined;
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Trains in this process, and with the others of its world. */
async function trainHere(recipe: Recipe, { dir, resume, world, timeout, signal }: Here): Promise<void> {
  // The engine's thread loads while the data are read.
  EngineThread.shared();
  const team = world ? await meet(world, { device: recipe.device, timeout, signal }) : solo;
  const say = team.leads ? console : SILENT;
  try {
    const data = await unlessAborted(signal, readData(recipe));
    const [, largest] = extent(data.samples.map(({ width, height }) => width * height));
    say.log(await unlessAborted(signal, planMemory(recipe, { largest, processes: team.size })));
    say.error(`Opening ${recipe.model}`);
    const engine = await openEngine(recipe, { signal });
    // Rank 0 alone writes the run folder, and so follows it.
    const followers = new Followers(dir, team.leads ? recipe.track : [], (message) => console.error(message));
    try {
      say.error(engine.computing);
      if (world) say.error(`${world.size} processes train together.`);
      say.log(parameterTable(engine));
      let progress: Progress | undefined;
      await train(recipe, {
        run: dir,
        engine,
        data,
        resume,
        team,
        signal,
        onReady: (ready) => {
          if (!team.leads) return;
          printNotes(ready.notes);
          for (const warning of ready.warnings) console.error(`warning: ${findingText(warning)}`);
          progress = new Progress(trainingStages(recipe, ready));
        },
        onHeldOut: (done, step) => {
          progress?.enter(HELD_OUT, step);
          progress?.update(done);
        },
        onStep: (line) => {
          progress?.enter(TRAIN);
          if (progress) showStep(progress, line);
          followers.after(line);
        },
      });
      progress?.finish();
      await followers.close();
      if (engine.still.length > 0) say.log(`These trainable parts never changed: ${engine.still.join(", ")}.`);
      say.log(
        `Trained. The checkpoint is in ${dir}/checkpoints/step-${recipe.steps}; look at the run with: grit report ${dir}`,
      );
    } finally {
      await followers.written();
      await engine.dispose();
    }
  } catch (error) {
    const why = await team.halt(error === signal.reason ? new Interrupted(NOTHING_YET) : error);
    throw team.isTold ? new ToldElsewhere(exitCodeOf(why)) : why;
  } finally {
    team.leave();
  }
}

/** Of several processes rank 0 alone speaks. */
const SILENT: Pick<Console, "log" | "error"> = { log: () => {}, error: () => {} };

/** Reads a number of processes. @throws UserError */
function processCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1024) return count;
  throw new UserError(
    `--processes ${text} is not a number of processes.`,
    "Give a whole number, e.g. the GPUs of this machine.",
  );
}

/** Reads a time. @throws UserError */
function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 86_400) return value;
  throw new UserError(`--rank-timeout ${text} is not a time in seconds.`, "Write it as --rank-timeout 300.");
}

const TRAIN = "train";
const HELD_OUT = "held-out sets";

/** Prints what to know of a run that goes on. */
export function printNotes(notes: readonly string[]): void {
  if (notes.length > 0) console.error(["The run goes on with changes:", ...notes].join("\n  "));
}

/** The steps of a run, and the evaluations between them. An answer is a rollout that is neither scored nor learned from. */
function trainingStages(
  { steps, prompts_per_step, group_size }: Recipe,
  { from, heldOut }: Ready,
): [Stage, ...Stage[]] {
  const training = { label: TRAIN, total: steps, done: from };
  if (heldOut === 0) return [training];
  return [training, { label: HELD_OUT, total: heldOut, weight: 1 / (3 * prompts_per_step * group_size) }];
}

/** Shows a step that is done, and the alarms that begin with it. */
export function showStep(progress: Progress, line: MetricsLine): void {
  for (const { name, message, remedy } of begun(line))
    progress.note(`alarm ${name} at step ${line.step}: ${message}\n  ${remedy}`);
  progress.update(line.step, stepNote(line));
}

/** The numbers of a step that the progress line shows. */
function stepNote({ reward, accuracy, giou, kl, length }: MetricsLine): string {
  // A mean of nothing, without true boxes or scores, shows as a dash.
  const f = (value: number | null, digits = 2) => (Number.isFinite(value) ? value!.toFixed(digits) : "–");
  return `reward ${f(reward.mean)}  accuracy ${f(accuracy)}  IoU ${f(giou)}  KL ${f(kl, 3)}  length ${f(length.mean, 0)}`;
}

/** Parameters by part, and how many of them are trained. */
export function parameterTable({ parameters }: Pick<Engine, "parameters">): string {
  const count = (n: number) => n.toLocaleString("en");
  const rows = [...parameters].map(([part, { total, trainable }]) => [part, count(total), count(trainable)]);
  return table([["part", "parameters", "trained"], ...rows]);
}
