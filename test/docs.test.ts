/** @file The texts: links and paths lead somewhere, the first page is short, and the plain word is used. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { firstSentence, whereIsWhat } from "../tools/where-is-what.mjs";

const pages = [".", "docs", "models"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);
const textOf = (page: string) => readFileSync(page, "utf8");

/** Files that CONTRIBUTING.md asks its reader to write. */
const EXAMPLES = ["src/rewards/flawless-boxes.ts", "src/rewards/flawless-boxes.test.ts"];

/** What GitHub names a heading by. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** The relative links of a text that lead nowhere: to no file, or to no heading of it. */
function deadLinks(page: string, text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path, heading] = target.split("#") as [string, string?];
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(file)) return true;
      if (heading === undefined) return false;
      const to = path === "" ? text : textOf(file);
      return ![...to.matchAll(/^#+ (.*)$/gm)].some((match) => anchor(match[1]!) === heading);
    })
    .map((target) => `${page}: ${target}`);
}

/** The paths of this project in a text that are not there; `<name>` and `*` stand for others. */
function missingPaths(page: string, text: string): string[] {
  const paths = [...text.matchAll(/(?<![\w./-])(?:src|test|tools|docs|recipes|bench|native)\/[\w./<>*{}-]*[\w/>*}]/g)];
  return paths
    .map(([path]) => path)
    .filter((path) => !/[<*{]/.test(path) && !EXAMPLES.includes(path) && !existsSync(path))
    .map((path) => `${page}: ${path}`);
}

test("links and paths lead somewhere", () => {
  expect(pages.flatMap((page) => [...deadLinks(page, textOf(page)), ...missingPaths(page, textOf(page))])).toEqual([]);
});

test.each([
  ["a missing file", "[x](nowhere.md)", ["README.md: nowhere.md"]],
  ["a missing heading", "# One\n[x](#two)", ["README.md: #two"]],
  ["sound links", "# Run it: now\n[x](#run-it-now) [y](LICENSE) [z](https://arxiv.org/abs/2505.15879)", []],
])("dead links are found: %s", (_, text, found) => {
  expect(deadLinks("README.md", text)).toEqual(found);
});

test("missing paths are found", () => {
  expect(missingPaths("README.md", "`src/gone.ts`, `src/train.ts`, https://x.org/src/y, test/golden/<name>/")).toEqual([
    "README.md: src/gone.ts",
  ]);
});

test("ARCHITECTURE.md says where things are: else run node tools/where-is-what.mjs", () => {
  expect(whereIsWhat(true)).toBe(true);
});

test.each([
  ["/** @file One thing. Another. */", "One thing."],
  [
    "/**\n * @file LoRA (Hu et al. 2021, eq. 3): it is\n * small.\n *\n * More.\n */",
    "LoRA (Hu et al. 2021, eq. 3): it is small.",
  ],
  ["/**\n * @file A flow:\n *\n *     a → b\n */", "A flow."],
  [`/** @file What it holds: ${"much, ".repeat(30)}all. */`, "What it holds."],
])("the first sentence of %j", (source, sentence) => {
  expect(firstSentence("x.ts", source)).toBe(sentence);
});

test("a file without an @file comment, or with a long first sentence, is named", () => {
  expect(() => firstSentence("x.ts", "import x;")).toThrow("x.ts: does not begin with an @file comment");
  expect(() => firstSentence("x.ts", `/** @file ${"much, ".repeat(30)}all. */`)).toThrow(
    "x.ts: the first sentence has",
  );
});

test("the first page is short", () => {
  expect(textOf("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(130);
});

/** Phrases that make a reader stop, with what to write instead. */
const ARCHAIC: [RegExp, string][] = [
  [/is no folder here|fetch it by\b/, "Model not found locally or in the cache. Download it with"],
  [/comes from another place than asked for/, "The server returned the wrong byte range"],
  [/[Ll]et fewer tokens follow/, "Lower max_tokens or shorten the prompt"],
  [/is no empty folder/, "is not empty and is not a run folder"],
  [/of at least \S+ is wanted/, "Expected a number >= N"],
  [/stands in an earlier line/, "duplicate id"],
  [/[Nn]ot moved in the whole run/, "These trainable parts never changed"],
  [/\b[Mm]end what is named/, "Fix the lines above"],
  [/for one who only looks on/, "no gradients; used by the attention probe"],
  [/\bforetold\b/, "estimated"],
  [/asks of the base at least/, "The base must score at least"],
  [/one plain question is put/, "A test request first checks"],
  [/the way of asking/, "the prompt format"],
  [
    /test what chains of reasoning[\s\S]{0,40}are worth/,
    "measure whether answers depend on the boxes and the reasoning",
  ],
];

test("the plain word is used", () => {
  const plain = pages.filter((page) => page !== "CHANGELOG.md");
  const found = plain.flatMap((page) =>
    ARCHAIC.filter(([phrase]) => phrase.test(textOf(page).replaceAll(/\s+/g, " "))).map(
      ([phrase, instead]) => `${page}: ${phrase.source}: write "${instead}"`,
    ),
  );
  expect(found).toEqual([]);
});
