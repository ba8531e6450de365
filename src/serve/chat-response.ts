/** @file What is sent in answer to a chat request: OpenAI's completions and chunks, with the chain in a field `grit`. */
import { randomUUID } from "node:crypto";
import { packageVersion } from "../../tools/places.mjs";
import { boxLines } from "../chain/chain-of.ts";
import type { StreamedToken } from "../engine/engine.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Chain } from "../records.ts";
import type { Answer } from "./answers.ts";
import type { Piece } from "./released-text.ts";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What minus infinity is written as: JSON has no such number. */
const LEAST_LOGPROB = -9999;

/** Writes the response to one request. */
export class ChatResponse {
  readonly #head: { id: string; created: number; model: string; system_fingerprint: string };
  readonly #tokenizer: Tokenizer;
  readonly #logprobs: boolean;
  /** Chunks have a field `usage`, null but in the last. */
  readonly #usage: { usage?: null };

  /** `model` as the request names it. */
  constructor(
    tokenizer: Tokenizer,
    { model, logprobs, includeUsage }: { model: string; logprobs: boolean; includeUsage: boolean },
  ) {
    const created = Math.floor(Date.now() / 1000);
    this.#head = { id: `chatcmpl-${randomUUID()}`, created, model, system_fingerprint: `grit-${packageVersion()}` };
    this.#tokenizer = tokenizer;
    this.#logprobs = logprobs;
    this.#usage = includeUsage ? { usage: null } : {};
  }

  /** All choices at once. */
  whole(answers: readonly Answer[], promptTokens: number) {
    const choices = answers.map((answer, index) => ({
      index,
      message: { role: "assistant" as const, content: answer.text, refusal: null },
      logprobs: this.#logprobsOf(answer.tokens),
      finish_reason: answer.finish,
      grit: gritOf(answer.chain),
    }));
    return { ...this.#head, object: "chat.completion" as const, choices, usage: usageOf(answers, promptTokens) };
  }

  /** The first chunk of a choice. */
  opening(index: number) {
    return this.#chunk({ index, delta: { role: "assistant" as const, content: "" }, logprobs: null });
  }

  /** A piece of a choice's text, with the boxes that end in it. */
  piece(index: number, { text, tokens, boxes }: Piece) {
    const grit = boxes.length > 0 ? { grit: { boxes: boxLines({ boxes }) } } : {};
    return this.#chunk({ index, delta: { content: text }, logprobs: this.#logprobsOf(tokens), ...grit });
  }

  /** The last chunk of a choice, with its whole chain. */
  closing(index: number, { finish, chain }: Answer) {
    return this.#chunk({ index, delta: {}, logprobs: null, finish_reason: finish, grit: gritOf(chain) });
  }

  /** The chunk after all choices. */
  usage(answers: readonly Answer[], promptTokens: number) {
    return {
      ...this.#head,
      object: "chat.completion.chunk" as const,
      choices: [],
      usage: usageOf(answers, promptTokens),
    };
  }

  #chunk<Choice extends object>(choice: Choice) {
    const choices = [{ finish_reason: null, ...choice }];
    return { ...this.#head, object: "chat.completion.chunk" as const, choices, ...this.#usage };
  }

  #logprobsOf(tokens: readonly StreamedToken[]) {
    if (!this.#logprobs) return null;
    const content = tokens.map(({ id, logprob, alternatives }) => ({
      ...this.#token({ id, logprob }),
      top_logprobs: alternatives.map((each) => this.#token(each)),
    }));
    return { content, refusal: null };
  }

  #token({ id, logprob }: { id: number; logprob: number }) {
    return {
      token: this.#tokenizer.decode([id], { skipSpecial: false }),
      logprob: Math.max(logprob, LEAST_LOGPROB),
      bytes: [...this.#tokenizer.bytes(id)],
    };
  }
}

function usageOf(answers: readonly Answer[], prompt_tokens: number): Usage {
  const completion_tokens = answers.reduce((sum, { sampled }) => sum + sampled, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** A chain as the field `grit` has it. */
function gritOf(chain: Chain | null) {
  if (!chain) return null;
  const { think = null, rethink = null, answer = null, wellFormed } = chain;
  return { think, rethink, answer, wellFormed, boxes: boxLines(chain) };
}
