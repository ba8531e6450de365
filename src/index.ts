/**
 * @file What a program imports from `grit-ts`. Importing it loads no native code: libtorch comes with the first tensor, that
 * is with `openEngine`, and the image decoder with the first image. Boxes are in pixels of the stored image unless a type
 * says otherwise (`Box<"frame">`). What the user can fix is thrown as a `UserError`, whose message says what to do.
 *
 *     const recipe = await loadRecipe("tiny");
 *     const engine = await openEngine(recipe);
 *     const { sets } = await evaluate(engine, { data: recipe.data.eval, maxTokens: 256 });
 *     await train(recipe, { run: "runs/mine", engine });
 */
export { area, box, boxF1, iou, toSpace, unionIoU } from "./boxes.ts";
export { boxesOf, type RowWithBoxes } from "./chain/boxes-of.ts";
export { chainOf } from "./chain/chain-of.ts";
export type { Finding, RecipeCheck } from "./check-result.ts";
export type { JudgeSettings } from "./config/judge-settings.ts";
export { loadRecipe, type Recipe } from "./config/recipe.ts";
export { type LoadedLine, loadLines, loadSamples } from "./data/samples.ts";
export type {
  BackwardResult,
  Engine,
  EngineDescription,
  SampleOptions,
  ScoreGroup,
  StepMetrics,
  StepOptions,
  TrainGroup,
  TrainItem,
} from "./engine/engine.ts";
export { type Evaluated, type EvaluateOptions, evaluateSets as evaluate } from "./evaluation/evaluate-sets.ts";
export type { LinesFollowing } from "./jobs/asked-lines.ts";
export { type CheckOptions, checkRecipe } from "./jobs/check-recipe.ts";
export { type Exported, type ExportOptions, exportModel } from "./jobs/export-model.ts";
export { type Generated, type GeneratedRow, type GenerateOptions, generate } from "./jobs/generate.ts";
export { type CompletedLine, loadCompletions, type ScoredRow, type ScoreOptions, score } from "./jobs/score.ts";
export type { Judge, JudgeRequest } from "./judge/judge.ts";
export { type AdvantageKind, advantages } from "./objective/advantage.ts";
export type { GrpoLoss, Loss, LossMetrics, NllLoss } from "./objective/loss.ts";
export { METHODS, type MethodName } from "./prompt/methods.ts";
export type { Processor } from "./prompt/prompt.ts";
export type {
  Box,
  Chain,
  Completion,
  Ending,
  Frame,
  Group,
  ImageInput,
  PlacedBox,
  Prompt,
  Rollout,
  Sample,
  Score,
  Scores,
  Space,
  Unscored,
} from "./records.ts";
export { isScored } from "./records.ts";
export { defineReward, type Reward, type RewardInput, scoreAll } from "./rewards/define.ts";
export type { Alarm, Answered, MetricsLine } from "./run/lines.ts";
export type { RunFolder } from "./run/run-folder.ts";
export { type Tracked, trackRun } from "./track/track-run.ts";
export { openEngine, openRewards, type Ready, readData, type TrainingData, type TrainOptions, train } from "./train.ts";
export { Interrupted, UserError } from "./util/errors.ts";
export type { Cancellable } from "./util/interruptible.ts";
