/**
 * @file Whole evaluations over a tiny checkpoint of random weights: in any batch, in any order, killed and resumed, refused,
 * and the five methods of the paper's table by one recipe.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { RemoteEngine } from "../../src/engine/remote-engine.ts";
import type { Asking } from "../../src/evaluation/ask.ts";
import { type HashedSet, loadSets, runEvaluation } from "../../src/evaluation/evaluate.ts";
import type { Manifest } from "../../src/evaluation/manifest.ts";
import { exactJudge } from "../../src/judge/exact.ts";
import type { Answered } from "../../src/run/lines.ts";
import { liveTensors } from "../../src/torch/tensor.ts";
import { FolderLock, LOCK } from "../../src/util/folder-lock.ts";
import { grit, readLines, writeLines } from "../commands.ts";
import { DEVICE } from "../device.ts";
import { loadGolden } from "../golden/golden.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const model = loadGolden("tied").dir;
const scenes = join(dir, "scenes");
const files = { vsr: join(scenes, "vsr_val.jsonl"), tallyqa: join(scenes, "tallyqa_val.jsonl") };
const data = ["vsr", "tallyqa", "mme", "gqa"].map((name) => join(scenes, `${name}_val.jsonl`)).join(",");
let sets: HashedSet[];

beforeAll(async () => {
  await renderSets({ out: scenes, seed: 1, counts: { train: 2, val: 7 } });
  sets = await loadSets(files, {});
});

const SAMPLED: Asking = { method: "grit", temperature: 1, maxTokens: 16, seed: 3 };
const GREEDY: Asking = { ...SAMPLED, temperature: 0 };

/** Evaluates into a new folder, or on in an old one. */
async function evaluated(name: string, options: { asking?: Asking; sets?: HashedSet[]; batch?: number } = {}) {
  const engine = await RemoteEngine.open(model, { device: DEVICE, precision: "float32", image: { maxPixels: 12544 } });
  const plan = {
    name: "tiny",
    model,
    sets: options.sets ?? sets,
    asking: options.asking ?? SAMPLED,
    judge: exactJudge,
  };
  const out = join(dir, name);
  try {
    await runEvaluation(engine, plan, { dir: out, ...(options.batch && { batch: options.batch }) });
  } finally {
    await engine.dispose();
  }
  return out;
}

const samplesOf = (out: string) => readLines<Answered>(join(out, "samples.jsonl"));
const bytesOf = (out: string) => readFileSync(join(out, "samples.jsonl"), "utf8");
const byId = (answers: readonly Answered[]) => new Map(answers.map((answer) => [answer.id, answer]));

describe("an evaluation", () => {
  it.each([
    ["sampled", SAMPLED],
    ["greedy", GREEDY],
  ])("%s, gives the same in any batch and in any order", async (name, asking) => {
    const whole = byId(samplesOf(await evaluated(`${name}-whole`, { asking })));
    expect(whole.size).toBe(14);
    // Random weights say something else about every question.
    expect(new Set([...whole.values()].map(({ text }) => text)).size).toBeGreaterThan(7);
    for (const batch of [1, 3]) {
      expect(byId(samplesOf(await evaluated(`${name}-by-${batch}`, { asking, batch })))).toEqual(whole);
    }
    const reversed = sets.map((set) => ({ ...set, samples: set.samples.toReversed() })).toReversed();
    const turned = samplesOf(await evaluated(`${name}-reversed`, { asking, sets: reversed, batch: 3 }));
    expect(turned[0]!.id).toBe([...whole.keys()].at(-1));
    expect(byId(turned)).toEqual(whole);
  });

  it("goes on after a torn line and an unscored answer, and is the unbroken one, byte for byte", async () => {
    const unbroken = await evaluated("unbroken", { batch: 3 });
    const broken = join(dir, "broken");
    mkdirSync(broken);
    for (const name of ["manifest.json"]) writeFileSync(join(broken, name), readFileSync(join(unbroken, name)));
    const lines = bytesOf(unbroken).split("\n");
    const unscored = JSON.stringify({ ...JSON.parse(lines[1]!), acc: null, unscored: "the judge was down" });
    writeFileSync(
      join(broken, "samples.jsonl"),
      [lines[0], unscored, lines[2], lines[3], lines[4]!.slice(0, 50)].join("\n"),
    );
    const before = liveTensors();
    await evaluated("broken", { batch: 3 });
    expect(liveTensors()).toEqual(before);
    for (const name of ["samples.jsonl", "summary.json", "manifest.json"])
      expect(readFileSync(join(broken, name), "utf8")).toBe(readFileSync(join(unbroken, name), "utf8"));
  });

  it("asks nothing again once it is whole", async () => {
    const out = await evaluated("twice");
    const first = bytesOf(out);
    let asked = 0;
    const engine = await RemoteEngine.open(model, {
      device: DEVICE,
      precision: "float32",
      image: { maxPixels: 12544 },
    });
    const sample = engine.sample.bind(engine);
    engine.sample = (...given) => {
      asked++;
      return sample(...given);
    };
    const plan = { name: "tiny", model, sets, asking: SAMPLED, judge: exactJudge };
    await runEvaluation(engine, plan, { dir: out });
    await engine.dispose();
    expect(asked).toBe(0);
    expect(bytesOf(out)).toBe(first);
  });
});

const FLAGS = ["--model", model, "--device", DEVICE, "--max-tokens", "12", "--seed", "4", "--temperature", "1"];

describe("grit eval", () => {
  it("killed and given again, is the unbroken evaluation, byte for byte", async () => {
    const unbroken = join(dir, "cli-unbroken");
    const killed = join(dir, "cli-killed");
    // Named alike: a name is part of the manifest.
    const command = (out: string) => ["eval", ...FLAGS, "--data", data, "--name", "tiny", "--out", out];
    expect(await grit(...command(unbroken))).toMatchObject({ code: 0 });
    const child = spawn(process.execPath, ["bin/grit.mjs", ...command(killed)], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("close", (_, by) => resolve(by)));
    const samples = join(killed, "samples.jsonl");
    const watch = setInterval(() => existsSync(samples) && statSync(samples).size > 0 && child.kill("SIGKILL"), 2);
    expect(await ended).toBe("SIGKILL");
    clearInterval(watch);
    expect(readLines(samples).length).toBeLessThan(28);
    expect(existsSync(join(killed, "summary.json"))).toBe(false);
    // What is there so far can be looked at, and is marked.
    const { out } = await grit("eval", "--table", killed);
    expect(out).toMatch(/partial \d+ %/);
    const resumed = await grit(...command(killed));
    expect(resumed.code).toBe(0);
    // What was said to yes/no questions is kept with the answers, and is of POPE's numbers below the paper's.
    const said = new Map(samplesOf(killed).map(({ id, answer, yesNo }) => [id, [answer, yesNo?.truth ?? null]]));
    for (const [answer, truth] of said.values()) {
      expect(truth).toBe(/^(yes|no)$/i.test(answer!) ? answer!.toLowerCase() : null);
    }
    expect(resumed.out).toMatch(/\nyes\/no +set +n +accuracy +precision +recall +F1 +yes share\n─+\ntiny +vsr_val +7 /);
    for (const name of ["samples.jsonl", "summary.json", "manifest.json"])
      expect(readFileSync(join(killed, name), "utf8")).toBe(readFileSync(join(unbroken, name), "utf8"));
  });

  it("refuses a folder of another evaluation, naming what differs, and touches nothing", async () => {
    const out = join(dir, "other");
    await grit("eval", ...FLAGS, "--data", data, "--limit", "1", "--out", out);
    const before = bytesOf(out);
    const { code, err } = await grit(
      "eval",
      ...FLAGS,
      "--data",
      data,
      "--limit",
      "1",
      "--method",
      "cot",
      "--prefix",
      "<think>",
      "--out",
      out,
    );
    expect(code).toBe(2);
    expect(err).toContain('prompt.method: "grit" there, "cot" now');
    expect(err).toContain('prompt.prefix: "" there, "<think>" now');
    expect(bytesOf(out)).toBe(before);
    mkdirSync(join(dir, "occupied"));
    writeFileSync(join(dir, "occupied", "notes.txt"), "mine");
    const occupied = await grit("eval", ...FLAGS, "--data", data, "--out", join(dir, "occupied"));
    expect([occupied.code, occupied.err]).toEqual([
      2,
      expect.stringContaining("is not an evaluation folder (it contains notes.txt)"),
    ]);
    expect(readdirSync(join(dir, "occupied"))).toEqual(["notes.txt"]);
  });

  it("is refused before the model is opened where another process keeps answers, and where none can be kept", async () => {
    const out = join(dir, "in-use");
    const command = ["eval", ...FLAGS, "--data", data, "--limit", "1", "--out"];
    using lock = FolderLock.take(out);
    const second = await grit(...command, out);
    expect([second.code, second.err]).toEqual([2, expect.stringMatching(/in-use is in use by process \d+/)]);
    expect(second.err).not.toContain("Opening");
    lock[Symbol.dispose]();
    expect(await grit(...command, out)).toMatchObject({ code: 0 });
    expect(readdirSync(out)).not.toContain(LOCK);
    const unwritable = await grit(...command, join(dir, "x".repeat(300)));
    expect([unwritable.code, unwritable.err]).toEqual([2, expect.stringContaining("cannot be written (ENAMETOOLONG")]);
    expect(unwritable.err).not.toContain("Opening");
  });

  it("of the first samples says so, in the manifest and above every table", async () => {
    const out = join(dir, "first");
    const command = ["eval", ...FLAGS, "--data", files.vsr, "--out", out];
    const first = await grit(...command, "--limit", "2");
    expect(first.out).toContain("vsr_val (first 2 of 7)");
    const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as Manifest;
    expect(manifest.sets.vsr_val).toMatchObject({ samples: 2, of: 7 });
    for (const [format, head] of [
      ["markdown", "vsr_val (first 2 of 7) ACC"],
      ["html", "vsr_val <small>n first 2 of 7</small>"],
    ] as const)
      expect((await grit("eval", "--table", out, "--format", format)).out).toContain(head);
    // What an earlier version began, which did not say so, goes on.
    const { of: _, ...known } = manifest.sets.vsr_val!;
    writeFileSync(join(out, "manifest.json"), JSON.stringify({ ...manifest, sets: { vsr_val: known } }));
    expect(await grit(...command, "--limit", "2")).toMatchObject({ code: 0 });
    const whole = await loadSets({ vsr: files.vsr }, { limit: 7 });
    expect(whole[0]).not.toHaveProperty("of");
  });

  it("refuses bad input before it writes anything: exit code 2", async () => {
    const out = join(dir, "nothing");
    const line = {
      question: "Is it red?",
      answer: "yes",
      image: join(scenes, "images/vsr_val/0000.png"),
      dataset: "vsr",
    };
    const [a, b] = ["a", "b"].map((name) => writeLines(join(dir, `${name}.jsonl`), [line, { ...line, id: name }]));
    const spelled = writeLines(join(dir, "spelled.jsonl"), [{ ...line, question: "What is <|image_pad|>?" }]);
    const refused = async (says: string, ...args: string[]) => {
      const { code, err } = await grit("eval", ...args, "--out", out);
      expect([code, err]).toEqual([2, expect.stringContaining(says)]);
      expect(existsSync(out)).toBe(false);
    };
    await refused("vsr-1 in a and b", ...FLAGS, "--data", `${a},${b}`);
    await refused("no such file", ...FLAGS, "--data", join(dir, "missing.jsonl"));
    await refused("<|image_pad|>", ...FLAGS, "--data", spelled);
    await refused("--data is missing", ...FLAGS);
    await refused("--model is missing", "--data", a!);
    await refused("--method has no meaning with a recipe", "recipe.yaml", "--method", "cot");
    await refused("--format has no meaning", ...FLAGS, "--data", a!, "--format", "csv");
    const compared = await grit("eval", "--compare", dir);
    expect([compared.code, compared.err]).toEqual([2, expect.stringContaining("takes two folders")]);
  });
});

describe("a recipe", () => {
  const table = join(dir, "table.yaml");
  const training = `steps: 1
freeze: [vision, connector]
image: { max_pixels: 12544 }
device: ${DEVICE}
data: { train: [scenes/vsr_train_2.jsonl, scenes/tallyqa_train_2.jsonl] }
`;

  beforeAll(() => {
    writeFileSync(
      join(dir, "sft.yaml"),
      `model: ${model}\n${training}prompts_per_step: 4\noptimizer: { lr: 1.0e-3 }\n`,
    );
    writeFileSync(
      join(dir, "grit.yaml"),
      `model: ${model}\n${training}prompts_per_step: 2\ngroup_size: 2\nsampling: { max_tokens: 6 }\n`,
    );
    writeFileSync(
      table,
      `sets: { vsr: scenes/vsr_val.jsonl, mme: scenes/mme_val.jsonl }
limit: 3
model: ${model}
rows:
  direct: { method: direct }
  cot: { method: cot }
  icl: { method: icl }
  icl-box: { method: icl-box }
  sft: { method: sft, pretrain: sft.yaml }
  grit: { method: grit, train: grit.yaml, seeds: [1, 2] }
max_tokens: 8
image: { max_pixels: 12544 }
device: ${DEVICE}
`,
    );
  });

  it("makes the models, every row and the tables; given again, it makes nothing again", async () => {
    const out = join(dir, "table");
    const first = await grit("eval", table, "--out", out, "--paper");
    expect(first.err).not.toContain("error");
    expect(first.code).toBe(0);
    expect(readdirSync(join(out, "rows")).sort()).toEqual([
      "cot",
      "direct",
      "grit-seed-1",
      "grit-seed-2",
      "icl",
      "icl-box",
      "sft",
    ]);
    const lines = first.out
      .split("\n")
      .slice(3)
      .filter((line) => !line.startsWith(" "));
    expect(lines.slice(0, 6).map((line) => line.split(" ")[0])).toEqual([
      "direct",
      "cot",
      "icl",
      "icl-box",
      "sft",
      "grit",
    ]);
    expect(first.out).toContain("grit (2 seeds)");
    expect(first.out).toContain("InternVL3-2B, GRIT (paper)");
    const made = new Map(
      ["rows/direct", "rows/sft", "models/sft"].map((name) => [name, statSync(join(out, name)).mtimeMs]),
    );
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page).toContain("data:image/png");

    const again = await grit("eval", table, "--out", out, "--paper");
    expect(again.err).not.toContain("train ");
    expect(again.out).toBe(first.out);
    expect(statSync(join(out, "models/sft")).mtimeMs).toBe(made.get("models/sft"));

    const csv = await grit("eval", "--table", out, "--format", "csv");
    expect(csv.out.split("\n").map((line) => line.split(",").slice(0, 2).join())).toEqual([
      "method,seeds",
      "direct,1",
      "cot,1",
      "icl,1",
      "icl-box,1",
      "sft,1",
      "grit,2",
      "",
    ]);
    const compared = await grit("eval", "--compare", join(out, "rows/direct"), join(out, "rows/sft"));
    expect(compared.out).toContain('prompt.method  "direct"  →  "sft"');
  });

  it("refuses a model that another recipe made", async () => {
    const out = join(dir, "stale");
    const recipe = readFileSync(join(dir, "sft.yaml"), "utf8");
    const only = `rows={sft: {method: sft, pretrain: ${join(dir, "sft.yaml")}}}`;
    expect(await grit("eval", table, only, "--out", out)).toMatchObject({ code: 0 });
    writeFileSync(join(dir, "sft.yaml"), recipe.replace("1.0e-3", "2.0e-3"));
    const { code, err } = await grit("eval", table, only, "--out", out);
    expect([code, err]).toEqual([2, expect.stringContaining("recipe.optimizer.lr: 0.001 there, 0.002 now")]);
  });

  it("sets keys of a row's recipe, and takes checkpoints along one run as rows", async () => {
    const out = join(dir, "along");
    const run = "{steps: 2, save: {every: 1}, sampling.max_tokens: 4}";
    const row = (step: string) => `{method: grit, train: ${join(dir, "grit.yaml")}, set: ${run}${step}}`;
    const rows = `rows={one: ${row(", step: 1")}, two: ${row("")}}`;
    expect(await grit("eval", table, rows, "--out", out)).toMatchObject({ code: 0 });
    expect(readdirSync(join(out, "models"))).toEqual(["one"]);
    const { recipe } = JSON.parse(readFileSync(join(out, "models/one/run.json"), "utf8"));
    expect(recipe).toMatchObject({ steps: 2, save: { every: 1, keep: 2 }, sampling: { max_tokens: 4 }, group_size: 2 });
    const modelOf = (name: string) => JSON.parse(readFileSync(join(out, "rows", name, "manifest.json"), "utf8")).model;
    expect([modelOf("one").path, modelOf("two").path]).toEqual([
      expect.stringMatching(/step-1$/),
      expect.stringMatching(/step-2$/),
    ]);

    const refused = async (says: string, row: string) => {
      const { code, err } = await grit("eval", table, `rows={a: ${row}}`, "--out", join(dir, "none"));
      expect([code, err]).toEqual([2, expect.stringContaining(says)]);
    };
    await refused("no checkpoint of step 3 is left", row(", step: 3"));
    await refused(`${table}: rows.a.set: step`, row("").replace("steps:", "step:"));
  });

  it("names every fault of a table", async () => {
    const refused = async (says: readonly string[], ...overrides: string[]) => {
      const { code, err } = await grit("eval", table, ...overrides);
      expect(code).toBe(2);
      for (const text of says) expect(err).toContain(text);
    };
    await refused(["did you mean cot?", "names no set"], "rows={a: {method: cott}}", "sets={}");
    await refused(
      ["rows.b/c: is not a valid folder name", "rows.d: has model and train: a row has one model"],
      "rows={b/c: {method: cot}, d: {method: cot, model: x, train: y}}",
    );
    await refused(
      ["rows.a: sets keys of a recipe, but names none", "rows.b: names a step, but no run"],
      "rows={a: {method: cot, set: {steps: 2}}, b: {method: sft, pretrain: x, step: 2}}",
    );
  });
});
