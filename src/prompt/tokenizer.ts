/**
 * @file Text to token ids and back, by Hugging Face's own JavaScript tokenizers, read from a checkpoint folder. Ids are those of
 * the Python library; pitfalls of the JavaScript one (empty decodes, ids without a token, clean-up of spaces) are handled here.
 */

import { existsSync } from "node:fs";
import path from "node:path";
import { Tokenizer as HfTokenizer } from "@huggingface/tokenizers";
import { readJsonIfPresent, readTextIfPresent, requireFolder } from "../hub/checkpoint-files.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";
import { within } from "../util/within.ts";
import { type AddedToken, bytesOfChars, qwen2TokenizerJson, type TokenizerJson } from "./byte-level.ts";
import { checkTokenizer } from "./check-tokenizer.ts";

/** Seconds that a tokenizer may take until it is ready; Qwen2.5-VL's takes half of one. */
const MOST_SECONDS = 10;
const RESTORE = "Restore it from where the checkpoint came from.";

/** The file of a checkpoint folder from which its tokenizer is read. */
export function tokenizerFile(dir: string): string {
  return existsSync(path.join(dir, "tokenizer.json")) ? "tokenizer.json" : "vocab.json";
}

/** A tokenizer of the Hugging Face format. */
export class Tokenizer {
  /** One more than the largest id. A model's embedding table may have more rows than that. */
  readonly vocabSize: number;
  /** Ids of the special tokens, ascending: left out of decoded text. */
  readonly specialIds: readonly number[];
  readonly #name: string;
  readonly #hf: HfTokenizer;
  /** Texts of single tokens, which sampling asks for again and again. */
  readonly #texts = new Map<number, string>();
  readonly #special: ReadonlySet<number>;
  readonly #specialSpellings: readonly string[];

  /** From the contents of `tokenizer.json` and `tokenizer_config.json`; `name` is what messages call it. */
  constructor(tokenizerJson: TokenizerJson, tokenizerConfig: JsonObject, name = "The tokenizer") {
    this.#name = name;
    this.#hf = new HfTokenizer(tokenizerJson, { ...tokenizerConfig, clean_up_tokenization_spaces: false });
    const special = tokenizerJson.added_tokens.filter((token) => token.special);
    this.specialIds = special.map((token) => token.id).sort((a, b) => a - b);
    this.#special = new Set(this.specialIds);
    this.#specialSpellings = special.map((token) => token.content).sort((a, b) => b.length - a.length);
    let largest = -1;
    for (const id of this.#hf.get_vocab().values()) largest = Math.max(largest, id);
    this.vocabSize = largest + 1;
  }

  /**
   * The tokenizer of a checkpoint folder: `tokenizer.json`, or `vocab.json` and `merges.txt` where that is missing. A model has
   * embeddings for `vocabulary` ids. Throws `UserError` when the folder has neither or they are broken.
   */
  static load(dir: string, vocabulary = Number.POSITIVE_INFINITY): Tokenizer {
    requireFolder(dir);
    const config = readJsonIfPresent(dir, "tokenizer_config.json") ?? {};
    const json = readJsonIfPresent(dir, "tokenizer.json") ?? fromVocabAndMerges(dir, config);
    const file = path.join(dir, tokenizerFile(dir));
    checkTokenizer(json, file, vocabulary);
    const name = `The tokenizer in ${file}`;
    try {
      return within(MOST_SECONDS, () => new Tokenizer(json, config, name));
    } catch (error) {
      throw new UserError(`${name} cannot be used: ${messageOf(error)}.`, RESTORE);
    }
  }

  /** Token ids of `text`; the spelling of a special token becomes that token. */
  encode(text: string): number[] {
    return text === "" ? [] : this.#hf.encode(text, { add_special_tokens: false }).ids;
  }

  /** Token ids of text written by a user. Throws `UserError` if it spells a special token, which would forge a turn or an image. */
  encodeUser(text: string): number[] {
    this.refuseSpecial(text);
    return this.encode(text);
  }

  /** Throws `UserError` if `text` contains the spelling of a special token. `where` names the text in the message. */
  refuseSpecial(text: string, where = "the text", remedy = "Remove it."): void {
    const found = this.#specialSpellings.find((spelling) => text.includes(spelling));
    if (found === undefined) return;
    throw new UserError(`${where} contains ${found}, which the model reads as a control token.`, remedy);
  }

  /** Text of `ids`. Ids without a token (rows that pad an embedding table) give no text, as in the Python library. */
  decode(ids: readonly number[], { skipSpecial = true }: { skipSpecial?: boolean } = {}): string {
    const kept = ids.filter((id) => this.#hf.id_to_token(id) !== undefined && !(skipSpecial && this.#special.has(id)));
    if (kept.length === 0) return "";
    if (kept.length > 1) return this.#hf.decode(kept, { skip_special_tokens: false });
    const [id] = kept as [number];
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const text: string = this.#hf.decode([id], { skip_special_tokens: false });
    this.#texts.set(id, text);
    return text;
  }

  /** The bytes that `id` stands for: a part of a character's where that takes several tokens; a control token's spelling. */
  bytes(id: number): Uint8Array {
    return bytesOfChars(this.#hf.id_to_token(id) ?? "");
  }

  /** Id of the token spelled so. Throws `UserError` when the vocabulary lacks it. */
  tokenId(spelling: string): number {
    const id = this.findTokenId(spelling);
    if (id === undefined)
      throw new UserError(
        `${this.#name} has no token ${spelling}.`,
        "Use the tokenizer that belongs to this checkpoint.",
      );
    return id;
  }

  /** Id of the token spelled so, or undefined. */
  findTokenId(spelling: string): number | undefined {
    return this.#hf.token_to_id(spelling);
  }
}

/** The older layout of Qwen2-family folders: BPE files, and the added tokens in `tokenizer_config.json` or `added_tokens.json`. */
function fromVocabAndMerges(dir: string, config: JsonObject): TokenizerJson {
  const vocab = readJsonIfPresent(dir, "vocab.json") as Record<string, number> | undefined;
  const mergesText = readTextIfPresent(dir, "merges.txt");
  if (vocab === undefined || mergesText === undefined)
    throw new UserError(
      `${dir} has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt.`,
      "Download the checkpoint's tokenizer files into the folder.",
    );
  const merges = mergesText
    .split(/\r?\n/)
    .filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")))
    .map((line) => line.split(" ") as [string, string]);
  return qwen2TokenizerJson(vocab, merges, addedTokens(dir, config));
}

function addedTokens(dir: string, config: JsonObject): AddedToken[] {
  const token = (id: unknown, content: unknown, fields: JsonObject) =>
    ({
      id,
      content,
      single_word: fields.single_word === true,
      lstrip: fields.lstrip === true,
      rstrip: fields.rstrip === true,
      normalized: fields.normalized === true,
      special: fields.special === true,
    }) as AddedToken;
  const byId = isObject(config.added_tokens_decoder) ? Object.entries(config.added_tokens_decoder) : [];
  const described = byId.filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
  if (described.length > 0) return described.map(([id, fields]) => token(Number(id), fields.content, fields));
  const plain = Object.entries(readJsonIfPresent(dir, "added_tokens.json") ?? {});
  return plain.map(([content, id]) => token(id, content, { special: true }));
}
