/** @file Judges: who decides whether an answer is right. One interface for training, evaluation and the command line. */

import type { Sample, Score } from "../records.ts";

/** An answer to be judged. */
export interface JudgeRequest {
  readonly question: string;
  /** The right answer. */
  readonly answer: string;
  /** The answer to judge, without tags. */
  readonly response: string;
  /** The options of a multiple-choice question, in the order of their letters. */
  readonly choices?: readonly string[] | undefined;
  /** What kind of answer the benchmark wants, e.g. `integer`, `float`, `text`, `list`. */
  readonly answerType?: string | undefined;
}

/** An answer to be rated. */
export interface RatingRequest {
  readonly question: string;
  /** The right answer, as a person wrote it. */
  readonly answer: string;
  /** The answer to rate; empty where there is none. */
  readonly response: string;
  /** What the image shows, in a few names; those who rate do not see it. */
  readonly imageContents: readonly string[];
}

/** A response to a sample's question, with all that the sample tells a judge. */
export function requestOf(sample: Sample, response: string): JudgeRequest {
  const { question, answer, choices, answerType } = sample;
  return { question, answer, response, choices, answerType };
}

/** A service that judges: all that decides its verdicts. Two that differ in any of it are two judges. */
export interface JudgeService {
  readonly model: string;
  readonly base_url: string;
  readonly api_version?: string;
  /** How the form of a verdict is asked for; see `AnswerForm`. */
  readonly form: string;
  /** SHA-256, hex, of what is said around a question and its answers. */
  readonly instruction: string;
}

/** Tokens, and US dollars where there is a price. */
export interface Cost {
  readonly input: number;
  readonly output: number;
  readonly usd?: number;
}

/** Whoever decides about answers. */
export interface Named {
  readonly name: string;
  /** Of a judge that asks a service: which. */
  readonly service?: JudgeService;
  /** What that service has cost since the judge was opened. */
  spent?(): Cost;
}

/** Scores answers from 0 (wrong) to 1 (right). A judge that cannot tell gives `Unscored`, never 0. */
export interface Judge extends Named {
  judge(request: JudgeRequest): Promise<Score>;
}

/** Rates answers from 0 to 6 as MMHal-Bench does; see `rating.ts`. Below 3 an answer makes something up. */
export interface Rater extends Named {
  rate(request: RatingRequest): Promise<Score>;
}
