/** @file What chatting asks of an engine. */
import type { Processor } from "../prompt/prompt.ts";
import type { Completion, Prompt } from "../records.ts";
import type { Cancellable } from "../util/interruptible.ts";

/** How one completion is sampled. */
export interface StreamOptions extends Cancellable {
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed: number;
  readonly stop?: readonly string[];
  /** Likeliest tokens told with each token. Default 0. */
  readonly alternatives?: number;
  readonly onToken?: (token: StreamedToken) => void;
}

/** A token as it is sampled. */
export interface StreamedToken {
  readonly id: number;
  readonly logprob: number;
  /** What it adds to the text: empty within a character of several tokens. */
  readonly text: string;
  readonly alternatives: readonly { readonly id: number; readonly logprob: number }[];
}

/** An engine that answers requests: completions join and leave its batch between tokens. */
export interface ChatEngine {
  readonly processor: Processor;
  stream(prompt: Prompt, options: StreamOptions): Promise<Completion>;
}
