/** @file One completion under way: its tokens and their text, its random numbers, and where it ends. */
import { TextStream } from "../prompt/text-stream.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import type { Completion, Ending } from "../records.ts";
import type { Random } from "../util/random.ts";

/** Where completions end. */
export interface Endings {
  readonly maxTokens: number;
  /** Texts that end a completion; they stay part of it, with whatever else their last token holds. */
  readonly stop?: readonly string[] | undefined;
  /** Tokens that end a completion. */
  readonly endIds: readonly number[];
}

export class Sequence {
  readonly #ids: number[] = [];
  readonly #logprobs: number[] = [];
  readonly #stream: TextStream;
  readonly #random: Random;
  readonly #endings: Endings;
  #text = "";
  /** The end of the text, as long as a stop text may have begun in it. */
  #tail = "";
  #ending: Ending | undefined;

  constructor(tokenizer: Tokenizer, random: Random, endings: Endings) {
    this.#stream = new TextStream(tokenizer);
    this.#random = random;
    this.#endings = endings;
  }

  /** Why it ended; undefined as long as it goes on. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Tokens written. */
  get length(): number {
    return this.#ids.length;
  }

  /** The number of (0, 1] that decides its next token. */
  draw(): number {
    return this.#ending ? 1 : 1 - this.#random.float();
  }

  /** Its next token; ignored once it has ended. Gives the text that became certain. */
  push(id: number, logprob: number): string {
    if (this.#ending) return "";
    this.#ids.push(id);
    this.#logprobs.push(logprob);
    const text = this.#stream.push(id);
    this.#text += text;
    const { maxTokens, stop = [], endIds } = this.#endings;
    // A token may carry a stop text and more: `>` and a line break are often one.
    const seen = this.#tail + text;
    this.#tail = seen.slice(Math.max(0, seen.length - Math.max(0, ...stop.map(({ length }) => length - 1))));
    if (endIds.includes(id) || stop.some((wanted) => seen.includes(wanted))) this.#ending = "stop";
    else if (this.#ids.length === maxTokens) this.#ending = "length";
    return text;
  }

  completion(): Completion {
    return {
      ids: this.#ids,
      logprobs: this.#logprobs,
      text: this.#text + this.#stream.end(),
      ending: this.#ending ?? "abort",
    };
  }
}
