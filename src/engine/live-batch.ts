/**
 * @file A batch that requests join and leave between tokens. A turn reads prompts that wait, each once however many ask about it, or a
 * piece of a long one while others write; those that are read write their first token and join; then all write one token.
 */
import type { Completion, Prompt } from "../records.ts";
import type { Cancellation } from "../util/interruptible.ts";
import { stream } from "../util/random.ts";
import type { Choice } from "./choose-token.ts";
import type { Decoder } from "./decoder.ts";
import type { StreamedToken, Streaming } from "./engine.ts";
import { imageKey } from "./features.ts";
import { cacheBytesPerToken, PREFILL_TOKENS } from "./memory.ts";
import { Prefill } from "./prefill.ts";
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

/** Prompt tokens that a turn reads while others wait for their next token. */
const PIECE = 512;

/** Requests whose prompts are being read. */
interface Reading {
  readonly prefill: Prefill;
  readonly rows: readonly Row[];
  /** Which of the prompts each row asks about. */
  readonly places: readonly number[];
}

export class LiveBatch {
  readonly #open: () => OpenSampler;
  #sampler: OpenSampler | undefined;
  #decoder: Decoder | undefined;
  /** Those of the decoder, in its order. */
  #rows: Row[] = [];
  #waiting: Waiting[] = [];
  #reading: Reading | undefined;

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
      this.#read();
      if (this.#rows.length > 0) write(this.#decoder!, this.#rows);
    } catch (error) {
      this.fail(error);
    }
    if (this.#waiting.length > 0 || this.#reading || this.#isWriting) return true;
    this.#clear();
    return false;
  }

  /** Ends all requests with an error. */
  fail(error: unknown): void {
    for (const row of this.#allRows) if (!row.isOver) row.request.onError(error);
    for (const { request } of this.#waiting) request.onError(error);
    this.#waiting = [];
    this.#clear();
  }

  /** Whether nothing is under way: what requests are written with is closed. */
  get isEmpty(): boolean {
    return this.#sampler === undefined;
  }

  /** Whether anyone waits for the next token. */
  get #isWriting(): boolean {
    return this.#rows.some(({ isOver }) => !isOver);
  }

  get #allRows(): readonly Row[] {
    return [...this.#rows, ...(this.#reading?.rows ?? [])];
  }

  #clear(): void {
    this.#rows = [];
    this.#endReading();
    this.#decoder?.dispose();
    this.#decoder = undefined;
    this.#sampler?.close();
    this.#sampler = undefined;
  }

  #dropCancelled(): void {
    for (const row of this.#allRows) if (!row.isOver && endIfCancelled(row.request)) row.isOver = true;
    if (this.#reading?.rows.every(({ isOver }) => isOver)) this.#endReading();
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
   * Reads on, and lets those whose prompts are read write their first token and join. While others write it is one image that the tower
   * has not seen, or `PIECE` tokens; else whatever there is.
   */
  #read(): void {
    this.#reading ??= this.#admit();
    if (!this.#reading) return;
    const { prefill, rows, places } = this.#reading;
    let decoder: Decoder | undefined;
    try {
      if (this.#isWriting) {
        if (prefill.see() || !prefill.read(PIECE)) return;
      } else while (!prefill.read(PREFILL_TOKENS));
      decoder = prefill.end(places);
      write(decoder, rows);
    } catch (error) {
      this.#endReading();
      for (const { request, isOver } of rows) if (!isOver) request.onError(error);
      return;
    }
    this.#reading = undefined;
    this.#sampler!.trim();
    this.#join(decoder, rows);
  }

  #endReading(): void {
    this.#reading?.prefill.dispose();
    this.#reading = undefined;
  }

  /**
   * Takes in the requests for whose keys and values there is room, in their order; alone, a request has it always. Their prompts are read
   * together, and come to no more than is read in a turn, or are one that is longer.
   */
  #admit(): Reading | undefined {
    if (this.#waiting.length === 0) return undefined;
    this.#sampler ??= this.#open();
    const { context } = this.#sampler;
    const most = this.#isWriting ? PIECE : PREFILL_TOKENS;
    const perToken = cacheBytesPerToken(context.model, context.weights.dtype, context.mask_V.device);
    let rows = this.#rows.length;
    let held = Math.max(0, ...this.#rows.map(({ request, sequence }) => request.prompt.ids.length + sequence.length));
    let toCome = Math.max(0, ...this.#rows.map(({ request, sequence }) => request.options.maxTokens - sequence.length));
    const prompts = new Map<string, Prompt>();
    let tokens = 0;
    const fits = ({ request: { prompt, options }, key }: Waiting): boolean => {
      rows++;
      if (!prompts.has(key)) tokens += prompt.ids.length;
      held = Math.max(held, prompt.ids.length);
      toCome = Math.max(toCome, options.maxTokens);
      const isFirst = prompts.size === 0 || (prompts.size === 1 && prompts.has(key));
      return rows === 1 || (rows * (held + toCome) * perToken <= context.cacheBytes && (tokens <= most || isFirst));
    };
    const taken: Waiting[] = [];
    while (this.#waiting[0] && fits(this.#waiting[0])) {
      const next = this.#waiting.shift()!;
      prompts.set(next.key, next.request.prompt);
      taken.push(next);
    }
    if (taken.length === 0) return undefined;
    const keys = [...prompts.keys()];
    const newTokens = Math.max(...taken.map(({ request }) => request.options.maxTokens));
    try {
      return {
        prefill: new Prefill(context, [...prompts.values()], newTokens),
        rows: taken.map(({ request }) => rowOf(context, request)),
        places: taken.map(({ key }) => keys.indexOf(key)),
      };
    } catch (error) {
      for (const { request } of taken) request.onError(error);
      return undefined;
    }
  }

  /** From here on rows share the fate of the batch: where joining fails, nobody can go on. */
  #join(decoder: Decoder, rows: readonly Row[]): void {
    this.#rows.push(...rows);
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
