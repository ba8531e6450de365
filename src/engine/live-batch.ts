/**
 * @file A batch that requests join and leave between tokens. A turn reads prompts that wait, as many as there is room for, each once
 * however many ask about it, lets them write their first token and joins them to those under way; then all write one token.
 */
import type { Completion, Prompt } from "../records.ts";
import type { Cancellation } from "../util/interruptible.ts";
import { stream } from "../util/random.ts";
import type { Choice } from "./choose-token.ts";
import type { Decoder } from "./decoder.ts";
import type { StreamedToken, Streaming } from "./engine.ts";
import { imageKey } from "./features.ts";
import { cacheBytesPerToken, PREFILL_TOKENS } from "./memory.ts";
import { beginDecoding } from "./prefill.ts";
import { COMPACT_AT, type SamplerContext } from "./sampler.ts";
import { Sequence } from "./sequence.ts";

/** One completion that is asked for, and who hears of it. */
export interface LiveRequest {
  readonly prompt: Prompt;
  readonly options: Streaming;
  /** Asked before each turn: what it throws ends the request. */
  readonly signal: Cancellation;
  readonly onToken: (token: StreamedToken) => void;
  readonly onEnd: (completion: Completion) => void;
  readonly onError: (error: unknown) => void;
}

/** A request that is not in the batch yet. */
interface Waiting {
  readonly request: LiveRequest;
  /** The same for requests about one prompt. */
  readonly key: string;
}

/** A request in the batch. */
interface Row {
  readonly request: LiveRequest;
  readonly sequence: Sequence;
  readonly choice: Choice;
  /** It has ended or was cancelled: nobody hears of it any more. */
  isOver: boolean;
}

/** What sequences are written with, until it is closed. */
export interface OpenSampler {
  readonly context: SamplerContext;
  /** Forgets features of images beyond those that may be kept: a batch that never empties meets ever more of them. */
  trim(): void;
  close(): void;
}

export class LiveBatch {
  readonly #open: () => OpenSampler;
  #sampler: OpenSampler | undefined;
  #decoder: Decoder | undefined;
  /** Those of the decoder, in its order. */
  #rows: Row[] = [];
  #waiting: Waiting[] = [];

  /** `open` is called when the first request comes into an empty batch; it is closed when the last has gone. */
  constructor(open: () => OpenSampler) {
    this.#open = open;
  }

  add(request: LiveRequest): void {
    this.#waiting.push({ request, key: promptKey(request.prompt) });
  }

  /** One token for every request under way; false when there is none left. What fails ends the requests it concerns. */
  turn(): boolean {
    this.#dropCancelled();
    this.#compact();
    try {
      this.#admit();
      if (this.#rows.length > 0) write(this.#decoder!, this.#rows);
    } catch (error) {
      this.fail(error);
    }
    if (this.#waiting.length > 0 || this.#rows.some(({ isOver }) => !isOver)) return true;
    this.#clear();
    return false;
  }

  /** Ends all requests with an error. */
  fail(error: unknown): void {
    for (const row of this.#rows) if (!row.isOver) row.request.onError(error);
    for (const { request } of this.#waiting) request.onError(error);
    this.#waiting = [];
    this.#clear();
  }

  #clear(): void {
    this.#rows = [];
    this.#decoder?.dispose();
    this.#decoder = undefined;
    this.#sampler?.close();
    this.#sampler = undefined;
  }

  #dropCancelled(): void {
    for (const row of this.#rows) if (!row.isOver && endIfCancelled(row.request)) row.isOver = true;
    this.#waiting = this.#waiting.filter(({ request }) => !endIfCancelled(request));
  }

  /** Frees the rows that are over, when they are many enough. */
  #compact(): void {
    const alive = this.#rows.flatMap(({ isOver }, i) => (isOver ? [] : [i]));
    if (alive.length > this.#rows.length * (1 - COMPACT_AT)) return;
    if (alive.length > 0) this.#decoder?.select(alive);
    else {
      this.#decoder?.dispose();
      this.#decoder = undefined;
    }
    this.#rows = alive.map((i) => this.#rows[i]!);
  }

  /**
   * Takes in the requests for whose keys and values there is room, in their order; alone, a request has it always. Those under way wait
   * meanwhile: a turn reads no more than `PREFILL_TOKENS`, or one prompt that is longer.
   */
  #admit(): void {
    if (this.#waiting.length === 0) return;
    this.#sampler ??= this.#open();
    const { context } = this.#sampler;
    const perToken = cacheBytesPerToken(context.model, context.weights.dtype, context.mask_V.device);
    let rows = this.#rows.length;
    let held = Math.max(0, ...this.#rows.map(({ request, sequence }) => request.prompt.ids.length + sequence.length));
    let toCome = Math.max(0, ...this.#rows.map(({ request, sequence }) => request.options.maxTokens - sequence.length));
    const read = new Set<string>();
    let tokens = 0;
    const fits = ({ request: { prompt, options }, key }: Waiting): boolean => {
      rows++;
      if (!read.has(key)) tokens += prompt.ids.length;
      read.add(key);
      held = Math.max(held, prompt.ids.length);
      toCome = Math.max(toCome, options.maxTokens);
      if (rows === 1) return true;
      return rows * (held + toCome) * perToken <= context.cacheBytes && (tokens <= PREFILL_TOKENS || read.size === 1);
    };
    const end = this.#waiting.findIndex((waiting) => !fits(waiting));
    const taken = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
    if (taken.length === 0) return;
    this.#join(context, taken);
    this.#sampler.trim();
  }

  #join(context: SamplerContext, taken: readonly Waiting[]): void {
    const requests = taken.map(({ request }) => request);
    const joining = requests.map((request) => rowOf(context, request));
    let decoder: Decoder | undefined;
    try {
      const newTokens = Math.max(...requests.map(({ options }) => options.maxTokens));
      const prompts = new Map(taken.map(({ key, request }) => [key, request.prompt]));
      const keys = [...prompts.keys()];
      const places = taken.map(({ key }) => keys.indexOf(key));
      decoder = beginDecoding(context, [...prompts.values()], places, newTokens);
      write(decoder, joining);
    } catch (error) {
      decoder?.dispose();
      for (const { onError } of requests) onError(error);
      return;
    }
    // From here on they share the fate of the batch: where joining fails, nobody can go on.
    this.#rows.push(...joining);
    if (!this.#decoder) {
      this.#decoder = decoder;
      return;
    }
    try {
      this.#decoder.join(decoder);
    } catch (error) {
      decoder.dispose();
      throw error;
    }
  }
}

/** The same for prompts of the same ids and images. */
function promptKey({ ids, images }: Prompt): string {
  return [...ids, ...images.map(imageKey)].join(" ");
}

/** Ends a request that was cancelled by its reason. Gives whether it was. */
function endIfCancelled({ signal, onError }: LiveRequest): boolean {
  try {
    signal.throwIfAborted();
    return false;
  } catch (error) {
    onError(error);
    return true;
  }
}

function rowOf({ tokenizer, endIds }: SamplerContext, request: LiveRequest): Row {
  const { temperature, topP = 1, topK = 0, seed } = request.options;
  return {
    request,
    sequence: new Sequence(tokenizer, stream(seed, "sample", 0), { ...request.options, endIds }),
    choice: { temperature, topP, topK },
    isOver: false,
  };
}

/** One token for every row. */
function write(decoder: Decoder, rows: readonly Row[]): void {
  const asked = Math.max(...rows.map(({ request }) => request.options.alternatives ?? 0));
  const { ids, logprobs, alternatives } = decoder.next(
    rows.map(({ choice }) => choice),
    rows.map(({ sequence }) => sequence.draw()),
    asked,
  );
  for (const [i, row] of rows.entries()) {
    if (row.isOver) continue;
    const { request, sequence } = row;
    const [id, logprob] = [ids[i]!, logprobs[i]!];
    const text = sequence.push(id, logprob);
    request.onToken({ id, logprob, text, alternatives: alternatives[i]!.slice(0, request.options.alternatives ?? 0) });
    if (!sequence.ending) continue;
    row.isOver = true;
    request.onEnd(sequence.completion());
  }
}
