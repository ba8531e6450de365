/** @file Recipes that are no YAML, no map, too deep, of unknown keys, or of values that no key takes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Random } from "../../../src/util/random.ts";
import { golden, LINE } from "../data-line.ts";
import type { Content, Generator } from "../hostile.ts";

const MODEL = fileURLToPath(new URL("../../golden/qwen2_5_vl/checkpoints/tied", import.meta.url));
const SOUND = `model: ${MODEL}\ndata:\n  train: [data.jsonl]\nsteps: 1\nprompts_per_step: 1\ngroup_size: 2\n`;

/** By key, what it does not take; in YAML. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  model: ["7", "[]", "{}", "null", "''", "https://example.org/model"],
  method: ["grits", "7", "[grit]", "GRIT"],
  "data.train": ["7", "[]", "data.jsonl", "[gone.jsonl]", "[7]", "null", "{a: b}", "['']"],
  "data.images": ["7", "gone", "[a]"],
  "data.eval": ["7", "[data.jsonl]", "{a: 7}", "{a: []}"],
  steps: ["0", "-1", "1.5", "many", "null", ".inf", ".nan", "[1]", "'7'"],
  group_size: ["1", "0", "-4", "2.5", "true"],
  seed: ["-1", "0.5", "x", "1e400"],
  "sampling.temperature": ["0", "-1", "hot", ".nan", ".inf"],
  "sampling.top_p": ["0", "1.1", "-1", ".nan"],
  "sampling.max_tokens": ["0", "-1", "0.5"],
  "loss.form": ["ppo", "7", "[]"],
  "loss.beta": ["-1", ".nan", "x", ".inf"],
  "optimizer.lr": ["-1e-6", ".nan", "1e-5x", "[1]"],
  "optimizer.betas": ["0.9", "[0.9]", "[0.9, 1]", "[0.9, 0.99, 0.999]", "[x, y]"],
  freeze: ["vision", "[eyes]", "[vision, connector, language, embeddings]", "{}"],
  lora: ["7", "[16]", "{rank: 0}", "{rank: x}", "{target_modules: []}", "{alpha: -1}"],
  precision: ["float8", "7", "[]"],
  device: ["gpu0", "7", "tpu"],
  "save.every": ["0", "-1", "0.1"],
  "eval.every": ["-1", "1", "x"],
  "rewards.preset": ["papr", "7", "[paper]"],
};

/** `SOUND` with a value at a key, which replaces the one that is there. */
function withValue(key: string, value: string): string {
  const [section, inner] = key.split(".") as [string, string | undefined];
  const rest = SOUND.replace(new RegExp(`^${section}:.*\\n(?: .*\\n)*`, "m"), "");
  const beside = section === "data" && inner !== "train" ? ", train: [data.jsonl]" : "";
  return `${rest}${section}: ${inner ? `{${inner}: ${value}${beside}}` : value}\n`;
}

/** Nine names of nine names, and so on: a thousand million values in a few lines. */
function aliases(depth: number): string {
  const first = `a0: &a0 [${Array(9).fill("x").join(", ")}]\n`;
  const next = (i: number) =>
    `a${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(", ")}]\n`;
  return first + Array.from({ length: depth }, (_, i) => next(i + 1)).join("");
}

interface Spoiled {
  readonly content: Content;
  readonly names?: readonly string[];
}

const FAULTS: Record<string, (random: Random) => Spoiled> = {
  "a value that is none": (random) => {
    const key = random.pick(Object.keys(WRONG));
    return { content: withValue(key, random.pick(WRONG[key]!)), names: [key] };
  },
  "a key that is unknown": (random) => {
    const key = random.pick([
      "setps",
      "lr",
      "num_generations",
      "__proto__",
      "constructor",
      "x y",
      "1",
      "null",
      "''",
      "toString",
    ]);
    return { content: `${SOUND}${key}: 1\n` };
  },
  "a key twice": (random) => {
    const key = random.pick(["steps: 2", "model: b", "data: {train: [a]}"]);
    return { content: `${SOUND}${key}\n`, names: ["recipe.yaml:7"] };
  },
  "a key that is missing": (random) => {
    const key = random.pick(["model", "data"]);
    return { content: SOUND.replace(new RegExp(`^${key}:.*\\n(?: .*\\n)*`, "m"), ""), names: [key] };
  },
  "no map": (random) => ({
    content: random.pick(["7", "- a\n- b\n", "text", "null", "", "# nothing\n", "[]", "true", "2026-01-01"]),
  }),
  "no YAML": (random) => ({
    content: random.pick([
      `${SOUND}\tsteps: 2\n`,
      `${SOUND}steps`,
      `${SOUND}x: [1, 2\n`,
      `${SOUND}x: "a\n`,
      `${SOUND}x: {a: 1\n`,
      `${SOUND}  y: 1\n`,
      `${SOUND}x: *gone\n`,
      `${SOUND}x: @a\n`,
      `${SOUND}---\nsteps: 2\n`,
      `%YAML 9.9\n---\n${SOUND}x: 1\n`,
      "<html></html>",
    ]),
  }),
  "a tag": (random) => {
    const tag = random.pick([
      "!!js/function 'function () { process.exit(0) }'",
      "!!python/object/apply:os.system ['true']",
      "!!binary x",
      "!x 1",
    ]);
    return { content: withValue("seed", tag) };
  },
  "names without end": (random) => {
    const depth = random.pick([3, 8, 40]);
    return {
      content: random.pick([
        `${SOUND}${aliases(depth)}`,
        `${aliases(depth)}${SOUND}`,
        `${SOUND}freeze: &a [*a]\n`,
        `${SOUND}lora: &a {rank: *a}\n`,
      ]),
    };
  },
  "depth without end": (random) => {
    const n = random.pick([1000, 20_000, 100_000]);
    return {
      content: random.pick([
        `${SOUND}x: ${"[".repeat(n)}`,
        `${SOUND}x: ${"[".repeat(n)}${"]".repeat(n)}\n`,
        `${SOUND}x: ${"{a: ".repeat(n)}7${"}".repeat(n)}\n`,
        `${SOUND}x: ${"- ".repeat(n)}7\n`,
      ]),
    };
  },
  "a file without end": (random) => ({
    content: random.pick([
      `${SOUND}x: ${"a".repeat(5e7)}\n`,
      `${SOUND}${Array.from({ length: 2e5 }, (_, i) => `k${i}: 1\n`).join("")}`,
      `${SOUND}${"#".repeat(5e7)}\nx: 1\n`,
      `${SOUND}x: [${"1, ".repeat(1e6)}1]\n`,
    ]),
  }),
  "bytes that are no text": (random) => ({
    content: Buffer.concat([
      Buffer.from(SOUND),
      random.pick([
        Buffer.from("x: \xff\xfe\n", "latin1"),
        Buffer.from("x: a\0b\n"),
        Buffer.from(`\ufeff${SOUND}`, "utf16le"),
      ]),
    ]),
  }),
  "another file": (random) => ({
    content: random.pick<Content>([
      golden("images/files/rgb-64x48.png"),
      golden("parquet/pope.parquet"),
      readFileSync(fileURLToPath(import.meta.url)),
    ]),
  }),
  "no file": (random) => ({
    content: random.pick<Content>([null, { link: "gone.yaml" }, { link: "/dev/zero" }, { link: "recipe.yaml" }]),
  }),
};

const generate: Generator = (random) => {
  const name = random.pick(Object.keys(FAULTS));
  const { content, names = [] } = FAULTS[name]!(random);
  return {
    name,
    files: {
      "data.jsonl": `${JSON.stringify(LINE)}\n`,
      "image.png": golden("images/files/rgb-64x48.png"),
      "recipe.yaml": content,
      ...(content === null && { "recipe.yaml/x": "" }),
    },
    command: ["train", "DIR/recipe.yaml", "--run", "DIR/run"],
    names: ["recipe.yaml", ...names],
    out: "run",
  };
};
export default generate;
