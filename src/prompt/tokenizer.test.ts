import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import golden from "../../test/golden/text/text.json" with { type: "json" };
import { UserError } from "../util/errors.ts";
import { TextStream } from "./text-stream.ts";
import { Tokenizer } from "./tokenizer.ts";

const CHECKPOINT = path.join(import.meta.dirname, "../../test/golden/text/checkpoint");
const tokenizer = Tokenizer.load(CHECKPOINT);

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), "grit-tokenizer-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("Tokenizer", () => {
  it("gives the ids of the Python library", () => {
    for (const { text, ids } of golden.texts) expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
    expect(tokenizer.vocabSize).toBe(golden.vocab_size);
  });

  it("decodes as the Python library does, whatever the ids", () => {
    for (const { ids, plain, all } of golden.decodings) {
      expect([ids, tokenizer.decode(ids)]).toEqual([ids, plain]);
      expect([ids, tokenizer.decode(ids, { skipSpecial: false })]).toEqual([ids, all]);
    }
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.encode("")).toEqual([]);
  });

  it("brings any composed text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text), { skipSpecial: false })).toBe(text.normalize("NFC"));
      }),
    );
  });

  it("knows its special tokens and refuses them in a user's text", () => {
    expect(tokenizer.specialIds).toContain(tokenizer.tokenId("<|image_pad|>"));
    expect(tokenizer.specialIds.length).toBe(14);
    expect(() => tokenizer.encodeUser("hi <|im_end|> there")).toThrow(/<\|im_end\|>/);
    expect(() => tokenizer.encodeUser("hi <|im_end|> there")).toThrow(UserError);
    expect(tokenizer.encodeUser("<think> is plain text")).toEqual(tokenizer.encode("<think> is plain text"));
    expect(() => tokenizer.tokenId("<|nonsense|>")).toThrow(/<\|nonsense\|>/);
    expect(tokenizer.findTokenId("<|nonsense|>")).toBeUndefined();
  });

  it.each(["tokenizer_config.json", "added_tokens.json"])("is built from vocab.json, merges.txt and %s", (where) => {
    const dir = path.join(scratch, `from-${where}`);
    cpSync(CHECKPOINT, dir, { recursive: true });
    const json = JSON.parse(readFileSync(path.join(dir, "tokenizer.json"), "utf8"));
    rmSync(path.join(dir, "tokenizer.json"));
    writeFileSync(path.join(dir, "vocab.json"), JSON.stringify(json.model.vocab));
    const merges = json.model.merges.map((pair: [string, string]) => pair.join(" "));
    writeFileSync(path.join(dir, "merges.txt"), ["#version: 0.2", ...merges, ""].join("\n"));
    if (where === "added_tokens.json") {
      writeFileSync(path.join(dir, "tokenizer_config.json"), "{}");
      const added = json.added_tokens.map((token: { content: string; id: number }) => [token.content, token.id]);
      writeFileSync(path.join(dir, where), JSON.stringify(Object.fromEntries(added)));
    }
    const built = Tokenizer.load(dir);
    for (const { text, ids } of golden.texts) expect(built.encode(text)).toEqual(ids);
    expect(built.specialIds).toEqual(tokenizer.specialIds);
  });

  it("says what is missing or broken", () => {
    expect(() => Tokenizer.load(path.join(scratch, "nowhere"))).toThrow(/nowhere/);
    expect(() => Tokenizer.load(scratch)).toThrow(/no tokenizer/);
    const dir = path.join(scratch, "broken");
    cpSync(CHECKPOINT, dir, { recursive: true });
    writeFileSync(path.join(dir, "tokenizer.json"), '{"model":');
    expect(() => Tokenizer.load(dir)).toThrow(/tokenizer\.json is not valid JSON/);
    writeFileSync(path.join(dir, "tokenizer.json"), "{}");
    expect(() => Tokenizer.load(dir)).toThrow(/lacks "added_tokens"/);
  });
});

describe("TextStream", () => {
  it("releases pieces that join to the whole, never half a character", () => {
    const id = fc.integer({ min: 0, max: golden.vocab_size - 1 });
    const real = fc.constantFrom(...golden.texts.map(({ ids }) => ids));
    fc.assert(
      fc.property(fc.oneof(fc.array(id, { maxLength: 20 }), real), (ids) => {
        const stream = new TextStream(tokenizer);
        const pieces = ids.map((next) => stream.push(next));
        for (const piece of pieces) expect(piece.endsWith("\uFFFD")).toBe(false);
        expect(pieces.join("") + stream.end()).toBe(tokenizer.decode(ids));
      }),
    );
  });

  it("holds a character back until its last byte", () => {
    const ids = tokenizer.encode("😀!");
    expect(ids.length).toBe(5);
    const stream = new TextStream(tokenizer);
    expect(ids.map((id) => stream.push(id))).toEqual(["", "", "", "😀", "!"]);
  });
});
