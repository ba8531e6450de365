/** @file What a study is: the arms and data it needs, what it makes of their answers, and what the paper reports beside it. */
import type { JudgeSettings } from "../config/judge-settings.ts";
import type { Engine } from "../engine/engine.ts";
import type { AskedSet } from "../evaluation/ask.ts";
import type { AnsweredEvaluation } from "../evaluation/read-evaluations.ts";
import type { Interval } from "../evaluation/statistics.ts";
import type { RolloutLine } from "../run/lines.ts";
import type { Arm } from "./arms.ts";
import type { Family, Scale } from "./scale.ts";

/** What the arms of a study answer, and the models that do: made when first asked for. */
export interface Runs {
  readonly scale: Scale;
  /** Who judges answers, and picks pictures. */
  readonly judge: JudgeSettings;
  readonly signal: AbortSignal;
  /** The held-out sets that every arm is asked. */
  sets(): Promise<readonly AskedSet[]>;
  /** The seeds of an arm: all where its model is made, the first where it is there and asked greedily. */
  seedsOf(arm: Arm): readonly number[];
  /** The folder of an arm's model. */
  model(arm: Arm, seed: number): Promise<string>;
  /** The chains that an arm's training by `grit train` sampled. */
  rollouts(arm: Arm, seed: number): Promise<readonly RolloutLine[]>;
  /** What an arm answers, a seed each. */
  answers(arm: Arm): Promise<readonly AnsweredEvaluation[]>;
  /** Opens a model as the study's recipe says, for some work. */
  withModel<T>(model: string, dir: string | undefined, work: (engine: Engine) => Promise<T>): Promise<T>;
  /** Rows that a probe found, from before or made now: whole or not at all. */
  probed<Row>(name: string, make: () => Promise<readonly Row[]>): Promise<Row[]>;
}

export interface Study {
  /** As `grit reproduce` is given it. */
  readonly name: string;
  readonly title: string;
  /** The families that the paper reports it for. */
  readonly families: readonly Family[];
  /** The arms it asks or probes. */
  readonly arms: (scale: Scale) => readonly Arm[];
  /** Whether a person or a service that sees pictures has to choose between some, in full size. */
  readonly choosesPictures?: boolean;
  /** What it asks instead of the scale's held-out sets; such a study is one of the scenes world alone. */
  readonly asking?: (scale: Scale) => Scale;
  /** Makes what is missing, and measures. */
  readonly run: (runs: Runs) => Promise<Findings>;
}

/** The data files that a study reads at a scale: held-out sets, and what its arms train on. */
export function filesOf(study: Study, scale: Scale): string[] {
  const { eval: sets, train } = scale.recipe.data;
  const trained = study.arms(scale).flatMap(({ made }) => (made ? [made] : []));
  const own = trained.flatMap(({ set }) => (set["data.train"] as readonly string[] | undefined) ?? train);
  return [...new Set([...Object.values(sets), ...own])];
}

/** How a number is written: a share in %, an IoU or another share with three digits, a quantity with one. */
export type NumberForm = "percent" | "fraction" | "quantity";

/** What a study has found. */
export interface Findings {
  readonly columns: readonly { readonly name: string; readonly form: NumberForm }[];
  readonly arms: readonly ArmNumbers[];
  /** The paper's rows, in our units: shares in [0, 1]. Null where it gives no number. */
  readonly paper: readonly { readonly name: string; readonly numbers: readonly (number | null)[] }[];
  /** What two arms differ by, paired by sample. */
  readonly gains: readonly Gain[];
  readonly direction: Direction;
  /** What to know of the numbers, a sentence each. */
  readonly notes: readonly string[];
  readonly figure?: string;
}

/** The numbers of an arm, in the order of the columns; null where it has none. */
export interface ArmNumbers {
  readonly name: string;
  readonly seeds: number;
  readonly numbers: readonly (Interval | null)[];
}

export interface Gain {
  readonly column: string;
  readonly from: string;
  readonly to: string;
  readonly gain: Interval;
}

/** Whether what is measured points where the paper's numbers point. */
export interface Direction {
  readonly agrees: boolean;
  /** One sentence. */
  readonly sentence: string;
}
