/**
 * @file How far sampling has come, in completions and parts of them. Completions sampled together end together, so that counting
 * endings alone would say nothing for most of the time and then all at once.
 */

/** Time that a prompt's token takes where a new token takes 1: many go through the model at once. */
const PROMPT_TOKEN = 0.5;

/** Tokens that a completion is expected to have, and the least that one under way is expected to have before it. */
const USUAL = 64;
const MORE = 12;

/** One completion: tokens of its prompt, how many completions share that, tokens written, and whether it has ended. */
export interface Under {
  readonly promptTokens: number;
  readonly sharing: number;
  readonly written: number;
  readonly ended: boolean;
}

/** The part of a completion that is done, once its prompt has gone through the model. */
export function shareDone({ promptTokens, sharing, written, ended }: Under, maxTokens: number): number {
  if (ended) return 1;
  const prompt = promptCost(promptTokens, sharing);
  const left = Math.min(maxTokens - written, Math.max(USUAL - written, MORE));
  return (prompt + written) / (prompt + written + left);
}

/** The part of a completion that its prompt is. */
export function promptShare(promptTokens: number, sharing: number, maxTokens: number): number {
  return shareDone({ promptTokens, sharing, written: 0, ended: false }, maxTokens);
}

function promptCost(tokens: number, sharing: number): number {
  return (PROMPT_TOKEN * tokens) / sharing;
}
