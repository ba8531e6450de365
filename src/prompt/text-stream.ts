/** @file Decodes while tokens arrive: text is released once no later token can change it. */

import type { Tokenizer } from "./tokenizer.ts";

/** Turns a growing sequence of ids into text, piece by piece; the pieces and `end()` join to the decoding of the whole. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecial: boolean;
  #pending: number[] = [];

  constructor(tokenizer: Tokenizer, { skipSpecial = true }: { skipSpecial?: boolean } = {}) {
    this.#tokenizer = tokenizer;
    this.#skipSpecial = skipSpecial;
  }

  /** The text that became certain with `id`: nothing while a character's bytes are still incomplete (the text ends in U+FFFD). */
  push(id: number): string {
    this.#pending.push(id);
    const text = this.#decodePending();
    if (text.endsWith("\uFFFD")) return "";
    this.#pending = [];
    return text;
  }

  /** The rest of the text, when no more ids come. */
  end(): string {
    const text = this.#decodePending();
    this.#pending = [];
    return text;
  }

  #decodePending(): string {
    return this.#tokenizer.decode(this.#pending, { skipSpecial: this.#skipSpecial });
  }
}
