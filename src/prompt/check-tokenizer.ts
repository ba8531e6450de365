/** @file Whether a tokenizer's file is in order: what the library would pass over, and find out with the text that needs it. */
import { UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";
import type { AddedToken, TokenizerJson } from "./byte-level.ts";

const RESTORE = "Restore the file from where the checkpoint came from.";

/** Merges for one token of a vocabulary; Llama 3's tokenizer has two, Qwen2.5's one. */
const MOST_MERGES = 8;

/**
 * Checks a `tokenizer.json`, called `file`, for a model with embeddings for `vocabulary` ids.
 * @throws UserError naming the keys at fault
 */
export function checkTokenizer(json: JsonObject, file: string, vocabulary: number): asserts json is TokenizerJson {
  const { added_tokens: added, model } = json;
  if (!Array.isArray(added) || !isObject(model))
    throw new UserError(`${file} lacks "added_tokens" or "model".`, RESTORE);
  const { type = "BPE", vocab, merges } = model;
  if (type !== "BPE")
    throw new UserError(`${file}: model.type is ${JSON.stringify(type)}; both families have BPE.`, RESTORE);
  if (!isObject(vocab)) throw new UserError(`${file}: model.vocab is not an object of tokens and their ids.`, RESTORE);
  const tokens = Object.entries(vocab);
  const merged = Array.isArray(merges) ? merges : [];
  for (const [key, size, most] of [
    ["model.vocab", tokens.length, vocabulary],
    ["added_tokens", added.length, vocabulary],
    ["model.merges", merged.length, MOST_MERGES * vocabulary],
  ] as const)
    if (size > most)
      throw new UserError(
        `${file}: ${key} has ${size} entries, too many for a model that config.json gives ${vocabulary} tokens.`,
        RESTORE,
      );

  const faults = new Faults();
  const spelled = new Map<unknown, string>();
  for (const [token, id] of tokens) {
    if (!isId(id)) faults.add("model.vocab", `${JSON.stringify(token)} has the id ${JSON.stringify(id)}`);
    else if (id >= vocabulary) faults.add("model.vocab", beyond(token, id, vocabulary));
    else if (spelled.has(id)) faults.add("model.vocab", `${JSON.stringify(token)} has the id of another, ${id}`);
    spelled.set(id, token);
  }
  for (const token of added as unknown[]) {
    if (!isAddedToken(token)) faults.add("added_tokens", `${JSON.stringify(token)} is not a token with id and content`);
    else if (token.id >= vocabulary) faults.add("added_tokens", beyond(token.content, token.id, vocabulary));
    else if ((spelled.get(token.id) ?? token.content) !== token.content)
      faults.add(
        "added_tokens",
        `${token.content} has the id of ${JSON.stringify(spelled.get(token.id))}, ${token.id}`,
      );
    else spelled.set(token.id, token.content);
  }
  checkMerges(merged, new Set(Object.keys(vocab)), faults);
  faults.throwIfAny(file, RESTORE);
}

function beyond(token: string, id: number, vocabulary: number): string {
  return `${JSON.stringify(token)} has the id ${id}, but config.json gives the model a vocab_size of ${vocabulary}`;
}

/** Two tokens become a third: all are in the vocabulary. */
function checkMerges(merges: readonly unknown[], vocab: ReadonlySet<string>, faults: Faults): void {
  for (const merge of merges) {
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const [left, right] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
    if (typeof left !== "string" || typeof right !== "string")
      faults.add("model.merges", `${JSON.stringify(merge)} is not a pair of tokens`);
    else if (!vocab.has(left) || !vocab.has(right) || !vocab.has(left + right))
      faults.add("model.merges", `${JSON.stringify(merge)} has a token that is not in model.vocab`);
  }
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAddedToken(value: unknown): value is AddedToken {
  return isObject(value) && isId(value.id) && typeof value.content === "string" && value.content !== "";
}
