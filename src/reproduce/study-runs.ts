/**
 * @file What studies need run: models made and sets answered, each once, by whichever study is the first to ask, and continued where
 * an earlier try has stopped.
 *
 *     RUNS/models/<family>/<run>-seed-<n>/        run folders, or checkpoints of few-shot fine-tuning
 *     RUNS/answers/<family>[-<sets>][-<limit>]/<arm>/    one evaluation an arm and seed
 *     RUNS/probes/<family>-<probed>/<name>/       what a probe found
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JudgeSettings } from "../config/judge-settings.ts";
import { toImage } from "../config/recipe-options.ts";
import { renderSets } from "../data/scenes/sets.ts";
import type { Engine } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { type HashedSet, loadSets, runEvaluation, settledFor } from "../evaluation/evaluate.ts";
import { type AnsweredEvaluation, readOneEvaluation } from "../evaluation/read-evaluations.ts";
import { openJudge } from "../judge/open.ts";
import type { RolloutLine } from "../run/lines.ts";
import { readRollouts, readRunFolder } from "../run/read-run.ts";
import { type MakingListener, makeModel, modelToMake } from "../tables/made-models.ts";
import { writeWhole } from "../util/files.ts";
import type { Arm, Made } from "./arms.ts";
import { asSet, SCENES, type Scale } from "./scale.ts";
import type { Runs } from "./study.ts";

/** Callbacks that follow the work, and the signal that ends it. */
export interface RunsListener {
  readonly signal: AbortSignal;
  /** As a `MakingListener`'s, with the name of the run. */
  readonly onTraining: (
    run: string,
    ...plan: Parameters<MakingListener["onTraining"]>
  ) => ReturnType<MakingListener["onTraining"]>;
  /** Called before an arm is asked, with the samples it is asked; gives what hears how many are answered. */
  readonly onAsking: (arm: string, samples: number) => (done: number) => void;
}

/** The runs of one family at one size. */
export class KeptRuns implements Runs {
  readonly scale: Scale;
  readonly judge: JudgeSettings;
  readonly #dir: string;
  readonly #listener: RunsListener;
  #sets: readonly HashedSet[] | undefined;

  /** @param dir where all that is made is kept */
  constructor(dir: string, scale: Scale, judge: JudgeSettings, listener: RunsListener) {
    this.scale = scale;
    this.#dir = dir;
    this.judge = judge;
    this.#listener = listener;
  }

  get signal(): AbortSignal {
    return this.#listener.signal;
  }

  /** Renders the scenes of some data files, unless they are there. */
  async prepare(files: readonly string[]): Promise<void> {
    const { signal } = this.#listener;
    const read = SCENES.filter(({ out }) => files.some((file) => dirname(file) === out));
    for (const { out, counts } of read) await renderSets({ out, seed: 1, counts, signal });
  }

  /** The held-out sets that every arm is asked. @throws UserError naming every fault of the files */
  async sets(): Promise<readonly HashedSet[]> {
    const { recipe, limit } = this.scale;
    this.#sets ??= await loadSets(recipe.data.eval, { images: recipe.data.images, limit });
    return this.#sets;
  }

  seedsOf({ made }: Arm): readonly number[] {
    return made ? this.scale.seeds : this.scale.seeds.slice(0, 1);
  }

  /** The model of an arm, which is made unless it is there. @throws UserError as `makeModel` */
  async model({ made, model }: Arm, seed: number): Promise<string> {
    const { family, recipe, train, pretrain } = this.scale;
    if (!made) return model ?? recipe.model;
    const run = runOf(made, seed);
    const dir = join(this.#dir, "models", family, run);
    const named = made.by === "train" ? { train } : { pretrain };
    const wanted = await modelToMake({ ...named, step: made.step, seed, set: asSet(made.set) }, dir);
    const { signal, onTraining } = this.#listener;
    return makeModel(wanted!, { signal, onTraining: (...plan) => onTraining(run, ...plan) });
  }

  /** The chains that an arm's training sampled; it is trained unless it is there. @throws Error for an arm that is not trained */
  async rollouts(arm: Arm, seed: number): Promise<RolloutLine[]> {
    if (arm.made?.by !== "train") throw new Error(`${arm.name} is not trained by grit train`);
    await this.model(arm, seed);
    const dir = join(this.#dir, "models", this.scale.family, runOf(arm.made, seed));
    const { rolloutSteps } = await readRunFolder(dir);
    return (await Promise.all(rolloutSteps.map((step) => readRollouts(dir, step)))).flat();
  }

  /** What an arm answers, a seed each; answered unless it is kept. @throws UserError as `runEvaluation` */
  async answers(arm: Arm): Promise<AnsweredEvaluation[]> {
    const out: AnsweredEvaluation[] = [];
    for (const seed of this.seedsOf(arm)) {
      const dir = this.#answersOf(arm, seed);
      const model = await this.model(arm, seed);
      const sets = await this.sets();
      const judge = await openJudge(this.judge, { signal: this.signal });
      const maxTokens = this.scale.recipe.sampling.max_tokens;
      const asking = { method: arm.method, prefix: arm.prefix ?? "", temperature: 0, maxTokens, seed };
      const total = sets.reduce((sum, { samples }) => sum + samples.length, 0);
      const onProgress = this.#listener.onAsking(named(arm, seed), total);
      await this.withModel(model, dir, (engine) =>
        runEvaluation(engine, { name: arm.name, model, sets, asking, judge }, { dir, signal: this.signal, onProgress }),
      );
      out.push(readOneEvaluation(dir));
    }
    return out;
  }

  /** Opens a model as the study's recipe says, for some work. `dir` is where the work keeps what it began with. */
  async withModel<T>(model: string, dir: string | undefined, work: (engine: Engine) => Promise<T>): Promise<T> {
    const { device, precision, image } = this.scale.recipe;
    const options = { device, precision: settledFor(precision, dir), image: toImage(image) };
    const engine = await RemoteEngine.open(model, options, { signal: this.signal });
    try {
      return await work(engine);
    } finally {
      await engine.dispose();
    }
  }

  async probed<Row>(name: string, make: () => Promise<readonly Row[]>): Promise<Row[]> {
    const { family, probed } = this.scale;
    const file = join(this.#dir, "probes", `${family}-${probed}`, name, "rows.jsonl");
    if (!existsSync(file)) writeWhole(file, (await make()).map((row) => `${JSON.stringify(row)}\n`).join(""));
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Row);
  }

  #answersOf(arm: Arm, seed: number): string {
    const { family, asks, limit } = this.scale;
    const asked = [family, asks, limit].filter((part) => part !== undefined).join("-");
    return join(this.#dir, "answers", asked, named(arm, seed));
  }
}

function runOf({ run }: Made, seed: number): string {
  return `${run}-seed-${seed}`;
}

/** An arm with its seed, where its model is made. */
function named({ name, made }: Arm, seed: number): string {
  return made ? `${name}-seed-${seed}` : name;
}
