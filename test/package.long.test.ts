/**
 * @file The package as a stranger has it: packed, installed into an empty folder outside the repository, set up into a cache
 * of its own, and used by the command line and by programs. libtorch is the one that this clone was set up with.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "grit-package-"));
const [app, cache, rewards] = ["app", "cache", "rewards"].map((name) => join(scratch, name)) as [
  string,
  string,
  string,
];
const installed = join(app, "node_modules", "grit-ts");
const { dir: libtorch } = JSON.parse(readFileSync("build/libtorch.json", "utf8")) as { dir: string };
const env = { ...process.env, GRIT_CACHE: cache, LIBTORCH: libtorch };
/** All that a package holds. */
const PARTS = "CHANGELOG.md LICENSE README.md bin dist models native package.json recipes shapes".split(" ");
const EXAMPLES = ["01-sample-boxes", "02-custom-reward", "03-training-loop", "04-score-file"];

/** Runs a program in the app's folder; its exit code and what it wrote. */
function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: app, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** As `run`, of a program that must end well; its standard output. */
function outputOf(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = run(program, ...args);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

const grit = (...args: string[]) => outputOf("npx", "grit", ...args);

/** Runs an ESM program of these lines. */
const program = (...lines: string[]) => outputOf("node", "--input-type=module", "--eval", lines.join("\n"));

/** The first samples of a rendered set, in a file of their own. */
function firstOf(set: string, count: number): string {
  const scenes = join(cache, "scenes");
  const lines = readFileSync(join(scenes, `${set}.jsonl`), "utf8")
    .split("\n")
    .slice(0, count);
  const placed = lines.map((line) => JSON.parse(line) as { image: string });
  const path = join(scratch, `${set}.jsonl`);
  const text = placed.map((line) => `${JSON.stringify({ ...line, image: resolve(scenes, line.image) })}\n`);
  writeFileSync(path, text.join(""));
  return path;
}

const SMALL = ["steps=2", "prompts_per_step=2", "group_size=2", "sampling.max_tokens=16"];

beforeAll(() => {
  for (const folder of [app, rewards]) mkdirSync(folder);
  const packing = spawnSync("npm", ["pack", "--pack-destination", scratch], { encoding: "utf8" });
  expect(packing.status, packing.stderr).toBe(0);
  const archive = readdirSync(scratch).find((name) => name.endsWith(".tgz"))!;
  outputOf("npm", "install", "--no-audit", "--no-fund", join(scratch, archive));
});
afterAll(() => rmSync(scratch, { recursive: true }));

test("packing leaves no build behind in the repository, and the package has no sources", () => {
  expect(existsSync("dist")).toBe(false);
  expect(readdirSync(installed).sort()).toEqual(PARTS);
});

test("grit --version", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(grit("--version")).toBe(`${version}\n`);
});

test("importing loads no native code, and a program that computes before set-up is told the command", () => {
  const shared = `process.report.getReport().sharedObjects.filter((path) => path.endsWith(".node"))`;
  expect(program(`import "grit-ts";`, `console.log(${shared}.length);`)).toBe("0\n");
  expect(
    program(
      `import { loadRecipe, openEngine, UserError } from "grit-ts";`,
      `const recipe = await loadRecipe("tiny");`,
      `try { await openEngine(recipe); } catch (error) { console.log(error instanceof UserError, error.message); }`,
    ),
  ).toMatch(/^true The native library is not built: .*\n {2}Run `npx grit setup`\.\n$/);
});

test("the types are there, also for the examples", () => {
  for (const name of EXAMPLES) cpSync(`examples/${name}.ts`, join(app, `${name}.mts`));
  writeFileSync(
    join(app, "program.mts"),
    `import { boxesOf, defineReward, evaluate, exportModel, generate, loadCompletions, loadLines, loadRecipe, openEngine, score, train, type Box, type Sample } from "grit-ts";
const reward = defineReward({ name: "one", weight: 1, score: ({ sample }) => sample.width });
const first = (sample: Sample): Box<"image"> | undefined => sample.boxes[0];
const boxes: Box<"image">[] = boxesOf({ boxes: [[1, 2, 3, 4]] });
// @ts-expect-error: a file is a path
const recipe = loadRecipe(3);
const engine = await openEngine(await loadRecipe("tiny"));
const texts: string[] = (await generate(engine, await loadLines(["a.jsonl"]), { method: "grit" })).map(({ text }) => text);
const scored = await score(engine, await loadCompletions(["b.jsonl"]));
const exported = exportModel("model", "copy", { verify: true });
console.log(reward, first, boxes, recipe, evaluate, train, texts, scored[0]?.logprobs, exported);
`,
  );
  const types = resolve("node_modules/@types");
  const options = ["--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext"];
  const files = readdirSync(app).filter((name) => name.endsWith(".mts"));
  outputOf(
    "node",
    resolve("node_modules/typescript/bin/tsc"),
    ...options,
    "--typeRoots",
    types,
    "--types",
    "node",
    ...files,
  );
});

test("quickstart sets up first, into the user's cache, and runs in the current folder", () => {
  grit("data", "scenes");
  const sets = ["vsr", "tallyqa"].map((set) => `${set}: ${firstOf(`${set}_val`, 4)}`);
  const output = grit("quickstart", ...SMALL, `data.eval={${sets.join(", ")}}`);
  expect(output).toMatch(/^setup: libtorch .*\nsetup: building the native library/m);
  expect(existsSync(join(app, "runs", "quickstart", "report.html"))).toBe(true);
  expect(readdirSync(cache).sort()).toEqual([expect.stringMatching(/^addon-/), "scenes"]);
  expect(grit("setup", "--quiet")).toBe("");
  expect(grit("doctor")).toContain(cache);
});

test("a reward module in a folder of its own is loaded, and refused before the model is opened", () => {
  const path = join(rewards, "variety.ts");
  cpSync("examples/brief.ts", path);
  grit("train", "tiny", ...SMALL, `rewards.custom=[${path}]`, "--run", "runs/own");
  expect(readFileSync(join(app, "runs/own/metrics.jsonl"), "utf8")).toMatch(/"brief":/);
  writeFileSync(path, "throw new Error('no luck');\n");
  const { status, stderr } = run("npx", "grit", "train", "tiny", `rewards.custom=[${path}]`, "--run", "runs/bad");
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: .*does not load: no luck/)]);
});

test("the studio serves its page, which the package brings built", async () => {
  const studio = spawn(process.execPath, [join(installed, "bin", "grit.mjs"), "studio", ".", "--port", "0"], {
    cwd: app,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [said] = (await once(studio.stdout.setEncoding("utf8"), "data")) as [string];
    const page = await (await fetch(/http:\S+/.exec(said)![0])).text();
    expect(page).toMatch(/<div id="studio">/);
  } finally {
    studio.kill();
  }
});

test("an evaluation by a program", () => {
  const output = program(
    `import { evaluate, loadRecipe, openEngine } from "grit-ts";`,
    `const engine = await openEngine(await loadRecipe("tiny"));`,
    `const data = { vsr: ${JSON.stringify(firstOf("vsr_val", 4))} };`,
    `const { sets, samples } = await evaluate(engine, { data, maxTokens: 64 });`,
    `console.log(sets.vsr.n, samples.length, typeof sets.vsr.acc, samples[0].text.length > 0);`,
  );
  expect(output).toBe("4 4 number true\n");
});

test.each([
  ["01-sample-boxes", /boxes: /],
  ["02-custom-reward", /step 2: reward .* brief 0\.\d+\nThe run is in/],
  ["03-training-loop", /step 2: .* gradient \d/],
  ["04-score-file", /mean -\d/],
])("example %s", (name, words) => {
  cpSync("examples/brief.ts", join(app, "brief.ts"));
  expect(outputOf("node", `${name}.mjs`)).toMatch(words);
});

test("nothing was written into the package", () => {
  expect(readdirSync(installed).sort()).toEqual(PARTS);
  expect(existsSync(join(installed, "models", "grit-tiny-base", "grit.json"))).toBe(false);
});
