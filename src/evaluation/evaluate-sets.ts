/** @file An evaluation for a program: data files in, numbers and answers out, nothing written. */
import { type JudgeSettings, judgeSchema } from "../config/judge-settings.ts";
import type { Engine } from "../engine/engine.ts";
import { openJudge } from "../judge/open.ts";
import type { MethodName } from "../prompt/methods.ts";
import type { Answered } from "../run/lines.ts";
import { type Asking, evaluate } from "./ask.ts";
import { checkSets, loadSets } from "./evaluate.ts";
import { numbers } from "./summary.ts";

export interface EvaluateOptions {
  /** Data files by the name of their set, e.g. a recipe's `data.eval`. */
  readonly data: Readonly<Record<string, string>>;
  /** Folder that image paths start at, instead of each data file's own. */
  readonly images?: string | undefined;
  /** Ask only the first samples of each set. */
  readonly limit?: number;
  /** The way of asking. Default `grit`. */
  readonly method?: MethodName;
  /** Default 0, greedy. */
  readonly temperature?: number;
  /** Longest answer in tokens. Default 1000. */
  readonly maxTokens?: number;
  /** Default 1. Each sample has a random stream of its own, by the seed and its id. */
  readonly seed?: number;
  /** Text that every answer is made to begin with. */
  readonly prefix?: string;
  /** Who judges answers, as in a recipe. Default: by rule. */
  readonly judge?: JudgeSettings;
  /** Called with the number of samples answered so far. */
  readonly onProgress?: (done: number) => void;
}

/** The results of an evaluation. */
export interface Evaluated {
  /**
   * By set: accuracy and grounding IoU in [0, 1], `n` samples, and the 95% interval of the accuracy. Null where no sample has
   * the metric, and while one is unscored: `coverage` is then the share that has a score.
   */
  readonly sets: Readonly<Record<string, ReturnType<typeof numbers>>>;
  /** Every sample with its answer, scores and boxes (image pixels), in the order of the files. */
  readonly samples: readonly Answered[];
}

/**
 * Asks the engine's policy about every sample of the sets and measures the answers.
 * @throws UserError naming every fault of the files and images, and every prompt that has no room for its answer; Interrupted
 * when a judge's service stays out
 */
export async function evaluateSets(engine: Engine, options: EvaluateOptions): Promise<Evaluated> {
  const { method = "grit", temperature = 0, maxTokens = 1000, seed = 1, prefix, onProgress } = options;
  const asking: Asking = { method, temperature, maxTokens, seed, ...(prefix !== undefined && { prefix }) };
  const loaded = await loadSets(options.data, options);
  const judge = await openJudge(options.judge ?? judgeSchema.parse({}));
  await checkSets(engine, { sets: loaded, asking });
  const samples: Answered[] = [];
  const sets: Record<string, ReturnType<typeof numbers>> = {};
  for (const set of loaded) {
    const before = samples.length;
    const [answered] = await evaluate(engine, set, [asking], judge, {
      onProgress: (done) => onProgress?.(before + done),
    });
    sets[set.name] = numbers(answered!);
    for (const line of answered!) samples.push(line);
  }
  return { sets, samples };
}
