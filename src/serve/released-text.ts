/**
 * @file The text of a completion while it is sampled, released once it is certain: what may be the beginning of a stop text is
 * held back, and so are the last digits of a box until another character shows that they are.
 */
import { type ChainContext, parseChain } from "../chain/parse.ts";
import { DIGIT } from "../chain/python.ts";
import type { StreamedToken } from "../engine/engine.ts";
import type { PlacedBox } from "../records.ts";

/** A piece of the text with the tokens that wrote it. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly StreamedToken[];
  /** The boxes whose last digit is in this piece. */
  readonly boxes: readonly PlacedBox[];
}

const someDigit = new RegExp(`[${DIGIT}]`, "u");
const lastDigit = new RegExp(`[${DIGIT}]$`, "u");

interface Held {
  readonly start: number;
  readonly end: number;
  readonly tokens: readonly StreamedToken[];
}

export class ReleasedText {
  readonly #stop: readonly string[];
  readonly #context: ChainContext | undefined;
  #text = "";
  #held: Held[] = [];
  /** Tokens that have added no text yet: parts of a character, control tokens. */
  #silent: StreamedToken[] = [];
  #isCut = false;

  /** `stop` are texts that end the completion and are cut off; with a context its boxes are told. */
  constructor(stop: readonly string[], context?: ChainContext) {
    this.#stop = stop;
    this.#context = context;
  }

  /** All of it so far, held back or not, without the stop text. */
  get text(): string {
    return this.#text;
  }

  /** The pieces that a token makes certain. */
  push(token: StreamedToken): Piece[] {
    if (this.#isCut) return [];
    this.#silent.push(token);
    return this.#add(token.text, this.#certain.bind(this));
  }

  /** The rest, when no more tokens come; `rest` is text that no token has told. */
  end(rest: string): Piece[] {
    return this.#isCut ? [] : this.#add(rest, () => this.#text.length);
  }

  #add(text: string, certain: () => number): Piece[] {
    const start = this.#text.length;
    this.#text += text;
    if (text !== "") {
      this.#held.push({ start, end: this.#text.length, tokens: this.#silent });
      this.#silent = [];
    }
    this.#cut(start);
    return this.#release(this.#isCut ? this.#text.length : certain());
  }

  /** Ends the text before the first stop text in it; what was there before `start` holds none. */
  #cut(start: number): void {
    const found = this.#stop.map((stop) => this.#text.indexOf(stop, Math.max(0, start - stop.length + 1)));
    const at = Math.min(...found.filter((index) => index >= 0));
    if (at === Number.POSITIVE_INFINITY) return;
    this.#isCut = true;
    this.#text = this.#text.slice(0, at);
    this.#held = this.#held
      .filter((piece) => piece.start < at)
      .map((piece) => ({ ...piece, end: Math.min(piece.end, at) }));
  }

  /** The length of the text that no further token can change. */
  #certain(): number {
    const text = this.#text;
    const begun = this.#stop.map((stop) => overlap(text, stop));
    const isInBox = lastDigit.test(text) && this.#boxes().at(-1)?.end === text.length;
    return text.length - Math.max(0, ...begun, Number(isInBox));
  }

  #release(certain: number): Piece[] {
    const ready = this.#held.filter(({ end }) => end <= certain);
    this.#held = this.#held.slice(ready.length);
    const pieces = ready.map((piece) => ({ ...piece, text: this.#text.slice(piece.start, piece.end) }));
    const boxes = pieces.some(({ text }) => someDigit.test(text)) ? this.#boxes() : [];
    return pieces.map(({ text, tokens, start, end }) => ({
      text,
      tokens,
      boxes: boxes.filter((box) => start < box.end && box.end <= end),
    }));
  }

  #boxes(): readonly PlacedBox[] {
    return this.#context ? parseChain(this.#text, this.#context).boxes : [];
  }
}

/** How many characters at the end of `text` are the beginning of `stop`. */
function overlap(text: string, stop: string): number {
  let length = Math.min(text.length, stop.length - 1);
  while (length > 0 && !text.endsWith(stop.slice(0, length))) length--;
  return length;
}
