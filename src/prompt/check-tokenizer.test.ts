import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { checkTokenizer } from "./check-tokenizer.ts";

const added = { id: 3, content: "<end>" };
const model = { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] };

describe("checkTokenizer", () => {
  it.each([
    ["a tokenizer", { added_tokens: [added], model }],
    [
      "merges as text, and an added token that the vocabulary has",
      {
        added_tokens: [{ id: 2, content: "ab" }],
        model: { ...model, merges: ["a b"] },
      },
    ],
  ])("takes %s", (_, json) => expect(() => checkTokenizer(json, "t.json", 4)).not.toThrow());

  it.each<[string, object, RegExp]>([
    ["no model", { added_tokens: [] }, /^t\.json lacks "added_tokens" or "model"/],
    ["another kind of model", { added_tokens: [], model: { ...model, type: "Unigram" } }, /model\.type is "Unigram"/],
    ["a list for the vocabulary", { added_tokens: [], model: { vocab: [] } }, /^t\.json: model\.vocab is not/],
    [
      "more tokens than the model has",
      { added_tokens: [], model: { vocab: { a: 0, b: 1, c: 2, d: 3, e: 4 } } },
      /^t\.json: model\.vocab has 5 entries, .* 4 tokens/,
    ],
    [
      "merges without end",
      { added_tokens: [], model: { ...model, merges: new Array(33).fill(["a", "b"]) } },
      /^t\.json: model\.merges has 33 entries/,
    ],
    ["an id that is text", { added_tokens: [], model: { vocab: { a: "0" } } }, /model\.vocab: "a" has the id "0"/],
    ["a negative id", { added_tokens: [], model: { vocab: { a: -1 } } }, /model\.vocab: "a" has the id -1/],
    [
      "an id beyond the embeddings",
      { added_tokens: [], model: { vocab: { a: 4 } } },
      /"a" has the id 4, but config\.json/,
    ],
    [
      "an added one",
      { added_tokens: [{ ...added, id: 2 ** 31 }], model },
      /added_tokens: "<end>" has the id 2147483648/,
    ],
    ["two tokens of one id", { added_tokens: [], model: { vocab: { a: 1, b: 1 } } }, /"b" has the id of another, 1/],
    ["an added token of another's id", { added_tokens: [{ ...added, id: 1 }], model }, /<end> has the id of "b", 1/],
    ["an added token without content", { added_tokens: [{ id: 3 }], model }, /added_tokens: \{"id":3\} is not a token/],
    ["a merge of three", { added_tokens: [], model: { ...model, merges: ["a b a"] } }, /"a b a" is not a pair/],
    [
      "a merge of what is not there",
      { added_tokens: [], model: { ...model, merges: [["b", "a"]] } },
      /\["b","a"\] has a token that is not in model\.vocab/,
    ],
  ])("refuses %s, naming file and key", (_, json, message) => {
    expect(() => checkTokenizer(json as Record<string, unknown>, "t.json", 4)).toThrow(UserError);
    expect(() => checkTokenizer(json as Record<string, unknown>, "t.json", 4)).toThrow(message);
  });
});
