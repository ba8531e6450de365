import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { trainTokenizer } from "./bpe-train.ts";
import { Tokenizer } from "./tokenizer.ts";

const GOLDEN = path.join(import.meta.dirname, "../../test/golden/text");
const corpus = readFileSync(path.join(GOLDEN, "corpus.txt"), "utf8").split(/(?<=\n)/);

describe("trainTokenizer", () => {
  it("learns the same tokenizer every time: the one Python's goldens were made with", () => {
    const { tokenizerJson, tokenizerConfig } = trainTokenizer(corpus, { maxVocab: 700 });
    const stored = (name: string) => JSON.parse(readFileSync(path.join(GOLDEN, "checkpoint", name), "utf8"));
    expect(tokenizerJson).toEqual(stored("tokenizer.json"));
    expect(tokenizerConfig).toEqual(stored("tokenizer_config.json"));
  });

  it("makes every word of the corpus one token, digits single", () => {
    const { tokenizerJson, tokenizerConfig } = trainTokenizer(corpus, { maxVocab: 4096 });
    const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
    for (const word of [" circles", " coordinates", "How", " triangle", " naïve", '":']) {
      expect([word, tokenizer.encode(word).length]).toEqual([word, 1]);
    }
    expect(tokenizer.encode("142").length).toBe(3);
    expect(tokenizer.vocabSize).toBeLessThan(4096);
  });

  it("stops at the wanted size, with ids that leave no gap", () => {
    const { tokenizerJson, tokenizerConfig } = trainTokenizer(corpus, { maxVocab: 300 });
    const ids = Object.values(tokenizerJson.model.vocab as Record<string, number>).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: 286 }, (_, i) => i));
    expect(new Tokenizer(tokenizerJson, tokenizerConfig).vocabSize).toBe(300);
  });

  it("keeps bytes and special tokens when there is nothing to learn from", () => {
    const { tokenizerJson, tokenizerConfig } = trainTokenizer([], { maxVocab: 1000 });
    const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
    expect(tokenizer.vocabSize).toBe(270);
    expect(tokenizer.decode(tokenizer.encode("né 😀"))).toBe("né 😀");
  });
});
