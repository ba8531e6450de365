/** @file What the studio's server tells its page: the type of every answer. Types alone, so that both sides can use them. */

import type { Estimate } from "../evaluation/aggregate.ts";
import type { PairedGain } from "../evaluation/statistics.ts";
import type { Task } from "../records.ts";
import type { CheckFile } from "../run/check-file.ts";
import type { Alarm, ReadAnswer, RolloutLine, Run } from "../run/lines.ts";
import type { DataOutcome } from "./data-filter.ts";

/** `training`: a process holds the folder now. `stopped`: its recipe has more steps. `begun`: no step is written yet. */
export type RunState = "training" | "finished" | "stopped" | "begun";

/** A run in the list. */
export interface RunEntry {
  /** Its path under the studio's folder, which is its address; the folder's name if it is the run itself. */
  readonly id: string;
  readonly state: RunState;
  /** The last step, and how many its recipe has, where that is known. */
  readonly step: number;
  readonly steps: number | null;
  /** Seconds until the last step, at the pace of the last ones; null unless it trains. */
  readonly secondsLeft: number | null;
  /** When it was last written to, in milliseconds of the epoch. */
  readonly changed: number;
  readonly model: string | null;
  readonly method: string | null;
  readonly seed: number | null;
  /** Numbers of the first and the last step by name: see `numbersIn`. */
  readonly first: Readonly<Record<string, number | null>>;
  readonly last: Readonly<Record<string, number | null>>;
  /** Why it cannot be read, if so. */
  readonly fault: string | null;
}

/** All runs under the studio's folder. */
export interface RunList {
  readonly folder: string;
  readonly runs: readonly RunEntry[];
}

/** One run. */
export interface RunFacts extends RunEntry {
  readonly run: Run | null;
  /** Steps whose rollouts are on disk, ascending. */
  readonly rolloutSteps: readonly number[];
}

/** An alarm of training, which rings from the step at which it began. */
export type RungAlarm = Pick<Alarm, "name" | "since" | "message" | "remedy">;

/** Metrics by columns, each as long as `steps`. */
export interface MetricColumns {
  readonly steps: readonly number[];
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
  /** Each once, as it last rang. */
  readonly alarms: readonly RungAlarm[];
  /** Lines of the file that cannot be read, counted from 1. */
  readonly damaged: readonly number[];
}

/** What the list of a step's chains shows of each, and filters look at. */
export interface ChainFact {
  /** Its line in the step's file, counted from 0: its address. */
  readonly line: number;
  readonly group: number;
  readonly id: string;
  readonly dataset: string;
  readonly task: Task;
  readonly question: string;
  readonly image: string;
  /** Null when it is unscored. */
  readonly total: number | null;
  readonly advantage: number | null;
  /** Whether the answer earned its full marks; null when that is not known. */
  readonly right: boolean | null;
  readonly wellFormed: boolean;
}

/** The chains of a step. */
export interface StepChains {
  readonly step: number;
  readonly chains: readonly ChainFact[];
  /** Lines of the file that cannot be read, counted from 1. */
  readonly damaged: readonly number[];
}

/** A whole chain. */
export interface ChainLine extends RolloutLine {
  readonly line: number;
}

/** Where the search through the steps came to: the step that has a match, or the last one that was looked at. */
export interface FoundStep {
  readonly found: number | null;
  readonly searchedTo: number;
  readonly atEnd: boolean;
}

/** The tokens of a chain: where each ends in the text, and its log-probability. */
export interface ChainTokens {
  readonly ends: readonly number[];
  readonly logprobs: readonly (number | null)[];
}

/** An evaluation in the list. */
export interface EvaluationEntry {
  /** Its path under the studio's folder, which is its address. */
  readonly id: string;
  /** The run that it belongs to; null where `grit eval` wrote it by itself. */
  readonly run: string | null;
}

/** What lists show of an answer of an evaluation. */
export interface AnswerFact
  extends Pick<ReadAnswer, "id" | "set" | "dataset" | "question" | "acc" | "giou" | "unscored" | "rating"> {
  /** Its line in the file, counted from 0: its address. */
  readonly line: number;
}

/** A metric of a set in one or two evaluations; null where there is none. */
export interface EvaluatedMetric {
  readonly first: Estimate | null;
  readonly second: Estimate | null;
  /** What changed for the samples that both have. */
  readonly gain: Pick<PairedGain, "gain" | "low" | "high"> | null;
}

export interface EvaluatedSet {
  readonly set: string;
  readonly samples: number;
  readonly acc: EvaluatedMetric;
  readonly giou: EvaluatedMetric;
}

/** The sets of one evaluation, or of two that are compared. */
export interface EvaluationTable {
  readonly sets: readonly EvaluatedSet[];
}

export type TriedName = "base" | "trained";

/** A model that can be tried. */
export interface TriedModel {
  /** By which a request names it, with `:` and the method. */
  readonly name: TriedName;
  readonly folder: string;
  readonly method: string;
  readonly isOpen: boolean;
}

/** A rendered scene to ask about; the image as a data URL. */
export interface SceneExample {
  readonly question: string;
  readonly image: string;
}

/** A data file that a recipe names. */
export interface DataFileEntry {
  /** Its address. */
  readonly id: string;
  /** Where it is. */
  readonly path: string;
  readonly isThere: boolean;
  /** Whose recipes name it: the paths of runs and checks under the studio's folder; and for what: `train`, or the name of a set. */
  readonly uses: readonly { readonly by: string; readonly as: string }[];
}

/** A sample in the list. */
export interface DataRow {
  /** Its line in the file, counted from 1: its address. */
  readonly line: number;
  readonly id: string;
  readonly dataset: string;
  readonly question: string;
  /** How many gold boxes it has. */
  readonly boxes: number;
  /** Why the line is no sample, if so: the first thing that is wrong. */
  readonly fault?: string;
}

/** Some of the samples that a filter wants, in the order of the file. */
export interface DataRows {
  /** Lines of the file, blank ones left out, and those that are wanted. */
  readonly lines: number;
  readonly wanted: number;
  /** The place of the first of `rows` among the wanted ones. */
  readonly from: number;
  readonly rows: readonly DataRow[];
  /** What there is to choose from in the whole file. */
  readonly datasets: readonly string[];
  readonly tasks: readonly Task[];
  readonly outcomes: Readonly<Record<DataOutcome, number>>;
}

/** A whole sample. */
export interface DataSample extends DataRow {
  readonly task: Task;
  readonly split: string;
  readonly answer: string;
  /** The path as the line has it. */
  readonly image: string;
  /** The stored size in pixels; null where the image cannot be shown: `imageFault` says why. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly imageFault: string | null;
  /** Gold boxes in pixels of the stored image. */
  readonly quads: readonly (readonly [number, number, number, number])[];
  readonly choices: readonly string[];
  readonly keyWords: readonly string[];
}

/** A check of a recipe that names a data file. */
export interface DataCheck extends CheckFile {
  /** The path of its folder under the studio's. */
  readonly id: string;
}

/** What the server tells of by itself: the folders that have been written to since it last told. */
export interface Changes {
  readonly folders: readonly string[];
  /** Whether folders came or went. */
  readonly list: boolean;
}
