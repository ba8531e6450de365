/** @file Tokenizers: files without end, ids of two tokens, merges of nothing, and what loses a question. */
import type { Random } from "../../../src/util/random.ts";
import { type Json, jsonOf, nonsense, opening } from "../checkpoint.ts";
import type { Content, Generator } from "../hostile.ts";

const FILE = "tokenizer.json";
const LAYOUTS = ["qwen2_5_vl/tied", "qwen2_5_vl/released", "internvl/tied"] as const;

interface Tokenizer extends Json {
  added_tokens: unknown[];
  model: { vocab: Record<string, unknown>; merges: unknown[] } & Json;
}
interface Spoiled {
  readonly files?: Readonly<Record<string, Content>>;
  readonly names?: readonly string[];
}

const letter = (random: Random, { model }: Tokenizer) =>
  random.pick(Object.keys(model.vocab).filter((token) => /^[A-Za-z0-9]$/.test(token)));
const added = (random: Random, { added_tokens }: Tokenizer) => random.pick(added_tokens) as Json;

/** Changes the tokenizer in place, or says what stands in its folder instead. */
const FAULTS: Record<string, (random: Random, tokenizer: Tokenizer) => Spoiled | undefined> = {
  "entries without end": (random, tokenizer) => {
    const key = random.pick(["vocab", "merges", "added_tokens"] as const);
    const many = random.pick([5000, 400_000, 2_500_000]);
    if (key === "vocab") for (let i = 0; i < many; i++) tokenizer.model.vocab[`t${i}`] = 1000 + i;
    else if (key === "merges") tokenizer.model.merges = new Array(many < 1e6 ? 10 * many : many).fill(["a", "b"]);
    else
      tokenizer.added_tokens = Array.from({ length: many }, (_, i) => ({
        id: 1000 + i,
        content: `<${i}>`,
        special: true,
      }));
    return { names: [key] };
  },
  "a file without end": (random) => ({
    files: {
      [FILE]: random.pick([
        `{"model":"${"a".repeat(7e7)}"}`,
        `{"model":${"[".repeat(1e6)}`,
        `{"a":"${"b".repeat(1e6)}`,
      ]),
    },
  }),
  "an id that is none": (random, tokenizer) => {
    tokenizer.model.vocab[letter(random, tokenizer)] = random.pick<unknown>(["7", -1, 0.5, null, 1e300, [], true]);
    return { names: ["model.vocab"] };
  },
  "an id that no embedding has": (random, tokenizer) => {
    tokenizer.model.vocab[letter(random, tokenizer)] = random.pick([1e6, 2 ** 31, 5000]);
  },
  "an id of two tokens": (random, tokenizer) => {
    const { vocab } = tokenizer.model;
    const [a, b] = random.shuffle(Object.keys(vocab));
    vocab[a!] = vocab[b!];
  },
  "an added token of another's id": (random, tokenizer) => {
    added(random, tokenizer).id = tokenizer.model.vocab[letter(random, tokenizer)];
    return { names: ["added_tokens"] };
  },
  "an added token that is none": (random, tokenizer) => {
    tokenizer.added_tokens.push(
      random.pick<unknown>([null, "x", 7, [], {}, { id: 5 }, { content: "<x>" }, { id: "7", content: "<x>" }]),
    );
    return { names: ["added_tokens"] };
  },
  "a token of the family that is missing": (random, tokenizer) => {
    const contents = tokenizer.added_tokens.map((token) => (token as Json).content);
    const needed = contents.includes("<img>") ? ["<img>", "<IMG_CONTEXT>"] : ["<|vision_start|>", "<|image_pad|>"];
    const gone = random.pick(["<|im_end|>", ...needed]);
    Object.assign(tokenizer.added_tokens[contents.indexOf(gone)]!, { content: "<|other|>" });
    return { names: [FILE, gone] };
  },
  "a special token that plain text spells": (random, tokenizer) => {
    const token = added(random, tokenizer);
    token.content = random.pick(["a", " ", "Question", ":"]);
    token.special = true;
    return { names: [] };
  },
  "a letter that is missing": (random, tokenizer) => {
    delete tokenizer.model.vocab[letter(random, tokenizer)];
  },
  "a letter in another's place": (random, tokenizer) => {
    const name = letter(random, tokenizer);
    tokenizer.model.vocab[`${name}${name}${name}`] = tokenizer.model.vocab[name];
    delete tokenizer.model.vocab[name];
    tokenizer.model.merges = [];
    return { names: [FILE] };
  },
  "a merge that is none": (random, tokenizer) => {
    const merge = random.pick<unknown>([null, 7, "a", "a b c", ["a"], ["a", "b", "c"], [1, 2], {}, ["a", "☂☂"], "☂ a"]);
    tokenizer.model.merges.splice(random.int(0, tokenizer.model.merges.length), 0, merge);
    return { names: ["model.merges"] };
  },
  "a normalizer that changes the question": (random, tokenizer) => {
    tokenizer.normalizer = random.pick<unknown>([
      { type: "Lowercase" },
      { type: "Replace", pattern: { Regex: "[0-9]" }, content: "" },
      { type: "Replace", pattern: { String: "Q" }, content: "A" },
      { type: "Sequence", normalizers: [{ type: "NFD" }, { type: "Lowercase" }] },
      { type: "Prepend", prepend: "x" },
    ]);
  },
  "a decoder that changes the answer": (random, tokenizer) => {
    tokenizer.decoder = random.pick<unknown>([
      null,
      { type: "Fuse" },
      { type: "Metaspace", replacement: "e" },
      { type: "Nothing" },
    ]);
  },
  "a pattern that tries everything": (_, tokenizer) => {
    const pattern = { Regex: "(([ -~]+)+)+\\u0001" };
    tokenizer.pre_tokenizer = { type: "Split", pattern, behavior: "Isolated", invert: false };
  },
  "a pattern that is none": (random, tokenizer) => {
    const pattern = random.pick<unknown>([{ Regex: "(" }, { Regex: "[z-a]" }, { Regex: 7 }, {}, null]);
    tokenizer.pre_tokenizer = { type: "Split", pattern, behavior: "Isolated", invert: false };
  },
  "a model that is none": (random, tokenizer) => {
    Object.assign(tokenizer, {
      model: random.pick<unknown>([null, [], "BPE", 7, {}, { type: "BPE" }, { type: "BPE", vocab: [] }]),
    });
  },
  "another kind of model": (random, tokenizer) => {
    tokenizer.model.type = random.pick(["WordPiece", "Unigram", "Nothing", "constructor"]);
  },
  "a list for an object": (random, tokenizer) => {
    const key = random.pick(["vocab", "added_tokens"]);
    if (key === "vocab") Object.assign(tokenizer.model, { vocab: random.pick<unknown>([[], null, "a", 7]) });
    else Object.assign(tokenizer, { added_tokens: random.pick<unknown>([{}, null, "a", 7]) });
    return { names: [key] };
  },
  "a context that is none": (random) => ({
    files: {
      "tokenizer_config.json": JSON.stringify({
        model_max_length: random.pick<unknown>([0, -1, "long", [], false, 0.5]),
      }),
    },
    names: ["tokenizer_config.json", "model_max_length"],
  }),
  "a config that is none": (random) => ({
    files: { "tokenizer_config.json": random.pick(["[]", "{", '"a"', "null", '{"a":1,"a":2}']) },
    names: ["tokenizer_config.json"],
  }),
  "no JSON": (random, tokenizer) => {
    const text = JSON.stringify(tokenizer);
    const cut = text.slice(0, random.int(0, text.length - 2));
    return { files: { [FILE]: random.pick<Content>([cut, `${text}]`, Buffer.from([0xff, 0xfe, 0x7b]), ""]) } };
  },
  "something else": (random) => ({ files: { [FILE]: JSON.stringify(nonsense(random)) } }),
  "a link out of the folder": (random) => ({
    files: { [FILE]: { link: random.pick(["/etc/passwd", "../../victim.json", "../data.jsonl"]) } },
  }),
};

const generate: Generator = (random) => {
  const layout = random.pick(LAYOUTS);
  const tokenizer = jsonOf(layout, FILE) as Tokenizer;
  const name = random.pick(Object.keys(FAULTS));
  const { files, names = [FILE] } = FAULTS[name]!(random, tokenizer) ?? {};
  return opening(random, layout, { name, files: files ?? { [FILE]: JSON.stringify(tokenizer) }, names });
};
export default generate;
