import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { pretrainSchema } from "../pretrain/cycles.ts";
import { loadFinetuneRecipe } from "../pretrain/finetune.ts";
import { METHODS } from "../prompt/methods.ts";
import { presetNames } from "../rewards/preset.ts";
import { evalSchema, loadEvalRecipe } from "../tables/table-recipe.ts";
import { UserError } from "../util/errors.ts";
import { judgeNames, judgeSchema } from "./judge-settings.ts";
import { keyPaths } from "./key-advice.ts";
import { OTHER_NAMES } from "./other-names.ts";
import { loadRecipe, recipeSchema, settledIn } from "./recipe.ts";
import { loadYaml } from "./yaml.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "grit-recipe-"));
});
afterAll(() => rm(dir, { recursive: true }));

const minimal = "model: base\ndata:\n  train: [a.jsonl, /data/b.jsonl]\n";

async function load(text: string, ...overrides: string[]) {
  const file = join(dir, "recipe.yaml");
  await writeFile(file, text);
  return loadRecipe(file, overrides);
}

async function faultOf(text: string, ...overrides: string[]): Promise<string> {
  const error = await load(text, ...overrides).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message.replaceAll(`${dir}/`, "");
}

describe("a good recipe", () => {
  test("of the package is known by its name", async () => {
    expect(await loadRecipe("tiny")).toEqual(await loadRecipe(resolve("recipes/tiny.yaml")));
    await expect(loadRecipe("tyni")).rejects.toThrow(/^There is no recipe "tyni"\.\n.* comes with the package: .*tiny/);
  });

  test("has its defaults filled in", async () => {
    expect(await load(minimal)).toEqual({
      model: join(dir, "base"),
      method: "grit",
      data: { train: [join(dir, "a.jsonl"), "/data/b.jsonl"], eval: {} },
      rewards: { preset: "paper", custom: [] },
      judge: { name: "exact" },
      seed: 1,
      steps: 200,
      prompts_per_step: 32,
      group_size: 4,
      sampling: { temperature: 0.9, top_p: 1, top_k: 0, max_tokens: 1000 },
      loss: {
        form: "on_policy",
        epsilon_low: 0.2,
        epsilon_high: 0.28,
        normalize: "sequence",
        beta: 0.01,
        updates_per_rollout: 1,
      },
      advantage: "group",
      optimizer: {
        lr: 2e-6,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0,
        clip_norm: 1,
        warmup_steps: 0,
        schedule: "cosine",
      },
      image: { double_resize: false },
      freeze: [],
      precision: "auto",
      device: "auto",
      micro_batch_tokens: 4096,
      offload: { reference: false, optimizer: false },
      activation_checkpointing: false,
      eval: { every: 0 },
      save: { every: 50, keep: 2 },
      track: [],
    });
  });

  test("is its own resolution: a resolved recipe reads as itself", async () => {
    const recipe = await load(minimal);
    expect(recipeSchema.parse(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
  });

  test("is overridden by keys, values in YAML, paths from the current folder, the last one winning", async () => {
    const recipe = await load(
      minimal,
      "optimizer.lr=1.5e-4",
      "freeze=[vision]",
      "seed=2",
      "seed=3",
      "data.eval.vsr=x.jsonl",
      "data.train=[c.jsonl]",
    );
    expect(recipe).toMatchObject({ optimizer: { lr: 1.5e-4, eps: 1e-8 }, freeze: ["vision"], seed: 3 });
    expect(recipe.data).toEqual({ train: [resolve("c.jsonl")], eval: { vsr: resolve("x.jsonl") } });
  });

  test("has the defaults of the judge it names, with paths from its folder", async () => {
    const text = `${minimal}judge: { name: exact-then-openai, openai: { price: { input: 2.5, output: 10 }, ledger: l.jsonl } }\n`;
    const { judge } = await load(text, "judge.openai.concurrency=2");
    expect(judge).toMatchObject({ name: "exact-then-openai", openai: { concurrency: 2, timeout: 60, patience: 600 } });
    expect(judge.openai).toMatchObject({ ledger: join(dir, "l.jsonl"), cache: resolve(".cache/judge") });
    expect((await load(minimal, "judge.name=openai")).judge.openai?.model).toMatch(/^gpt-4o-/);
  });

  test("names methods, presets and judges that exist, and all of them", () => {
    const { method, rewards } = recipeSchema.shape;
    const { preset } = rewards.unwrap().shape;
    expect(method.unwrap().options).toEqual(Object.keys(METHODS));
    expect(preset.unwrap().options).toEqual(presetNames);
    for (const name of judgeNames) expect(judgeSchema.parse({ name }).name).toBe(name);
  });

  // A recipe may name a model that is to be downloaded first; a folder stands in for it.
  const loaders: Record<string, (file: string) => Promise<unknown>> = {
    train: (file) => loadRecipe(file, ["model=models"]),
    eval: (file) => loadEvalRecipe(file, ["model=models"]),
    pretrain: (file) =>
      /^model:/m.test(readFileSync(file, "utf8"))
        ? loadFinetuneRecipe(file, ["model=models"])
        : loadYaml(file, pretrainSchema, { models: ["language"] }),
  };
  const textOf = (name: string) => readFileSync(`recipes/${name}`, "utf8");
  const commandOf = (name: string) =>
    new RegExp(`^# {3}npx grit (\\w+) recipes/${name}( |$)`, "m").exec(textOf(name))?.[1];

  test.each(readdirSync("recipes"))("is recipes/%s, whose header names its command", async (name) => {
    const command = commandOf(name);
    expect(Object.keys(loaders)).toContain(command);
    await expect(loaders[command!]!(`recipes/${name}`)).resolves.toBeDefined();
  });

  test.each(readdirSync("recipes").filter((name) => commandOf(name) === "eval"))(
    "is recipes/%s: each row that it trains starts from the table's own model",
    (name) => {
      const { model, rows } = parse(textOf(name)) as { model: string; rows: Record<string, Record<string, string>> };
      for (const row of Object.values(rows)) {
        // A checkpoint in runs/NAME is that of recipes/NAME.yaml.
        const run = row.model && `${/\/runs\/([^/]+)/.exec(row.model)![1]}.yaml`;
        const recipe = row.train ?? row.pretrain ?? run;
        if (recipe) expect(parse(textOf(recipe)).model, recipe).toBe(model);
      }
    },
  );
});

describe("a bad recipe", () => {
  test("has all its faults told at once, with their lines", async () => {
    const message = await faultOf(
      "model: base\ndata:\n  train: []\nstep: 3\noptimizer:\n  lr: fast\n  learning_rate: 1\nfreeze:\n  - vision\n  - visoin\n",
    );
    expect(message.split("\n")).toEqual([
      "recipe.yaml: 5 faults",
      "  recipe.yaml:3: data.train: is [], but must be at least 1 items long",
      '  recipe.yaml:6: optimizer.lr: is "fast", not a number; write lr: 2e-6',
      "  recipe.yaml:7: optimizer.learning_rate: no such key; here it is optimizer.lr",
      '  recipe.yaml:10: freeze.1: is "visoin"; did you mean vision? choices: vision, connector, language, embeddings',
      "  recipe.yaml:4: step: no such key; did you mean steps?",
      "  Fix what is named above and run the command again.",
    ]);
  });

  test.each<[string, string, string[], string]>([
    ["no model", "data:\n  train: [a]\n", [], "recipe.yaml:1: model: is missing"],
    ["no data", "model: a\n", [], "data: is missing"],
    ["an empty file", "", [], "model: is missing"],
    ["a list", "- a\n", [], "the file: is"],
    ["broken YAML", "model: [a\ndata: 3\n", [], "recipe.yaml:"],
    ["a key twice", `${minimal}seed: 1\nseed: 2\n`, [], "recipe.yaml:5: Map keys must be unique"],
    ["a device that is none", `${minimal}device: gpu\n`, [], "recipe.yaml:4: device: is not a device"],
    ["half a step", `${minimal}steps: 2.5\n`, [], "recipe.yaml:4: steps: is 2.5, not a whole number"],
    ["a negative rate", `${minimal}optimizer: { lr: -1 }\n`, [], "optimizer.lr: is -1, but must be at least 0"],
    ["no temperature", minimal, ["sampling.temperature=0"], "sampling.temperature: is 0, but must be more than 0"],
    ["a group of one", minimal, ["group_size=1"], "group_size: is 1, but a completion is compared"],
    [
      "an average that forgets nothing",
      minimal,
      ["optimizer.betas=[0.9, 1]"],
      "betas.1: is 1, but must be less than 1",
    ],
    ["a prompt that no reward reads", minimal, ["method=direct"], "method: is direct, which asks for no tags"],
    ["an evaluation of nothing", minimal, ["eval.every=5"], "eval.every: is 5, but data.eval names no set"],
    ["no such judge", minimal, ["judge.name=opnai"], 'judge.name: is "opnai"; did you mean openai?'],
    [
      "a judge that gives no score from 0 to 1",
      minimal,
      ["judge.name=mmhal"],
      "judge.name: is mmhal, which rates MMHal-Bench's answers from 0 to 6, in grit eval alone; use exact or openai or",
    ],
    [
      "a service for a judge that asks none",
      minimal,
      ["judge.openai.model=x"],
      "judge.openai: is given, but judge.name",
    ],
    [
      "a key of no judge",
      minimal,
      ["judge.openai.modell=x"],
      "judge.openai.modell: no such key; did you mean judge.openai.model?",
    ],
    [
      "a budget without a price",
      `${minimal}judge: { name: openai, openai: { budget: 5 } }\n`,
      [],
      "recipe.yaml:4: judge.openai.budget: needs openai.price",
    ],
    [
      "Azure without its version",
      `${minimal}judge: { name: openai, openai: { base_url: https://me.openai.azure.com } }\n`,
      [],
      "judge.openai.base_url: is an Azure resource, which needs openai.api_version",
    ],
    [
      "Azure's version with another's path",
      `${minimal}judge: { name: openai, openai: { base_url: http://h/v1, api_version: 2024-10-21 } }\n`,
      [],
      "judge.openai.base_url: has a path",
    ],
    ["no address", `${minimal}judge: { name: openai, openai: { base_url: localhost } }\n`, [], "is not an address"],
    [
      "a key where its variable should stand",
      `${minimal}judge: { name: openai, openai: { key_env: sk-123 } }\n`,
      [],
      "judge.openai.key_env: is not the name of an environment variable",
    ],
    ["updates off policy", minimal, ["loss.updates_per_rollout=2"], "which needs loss.form: clipped"],
    [
      "an unknown override",
      minimal,
      ["optimiser.lr=1"],
      "command line, optimiser.lr=1: optimiser.lr: no such key; did you mean optimizer.lr?",
    ],
    ["a bad value in an override", minimal, ["seed=x"], 'command line, seed=x: seed: is "x", not a'],
    ["an override without a sign", minimal, ["seed"], '"seed" is not an override'],
    ["an override without a key", minimal, ["=3"], '"=3" is not an override'],
    ["an override that is not YAML", minimal, ["freeze=[a"], "the value is not YAML"],
    ["an override below a number", minimal, ["seed.x=1"], "command line, seed.x=1: seed: is"],
  ])("%s", async (_, text, overrides, message) => {
    expect(await faultOf(text, ...overrides)).toContain(message);
  });

  test.each<[string, string]>([
    // Mistyped, or at the wrong level.
    ["setps=3", "setps: no such key; did you mean steps?"],
    ["lr=1e-5", "lr: no such key; did you mean optimizer.lr?"],
    ["optim.lr=1e-5", "optim.lr: no such key; here it is optimizer.lr"],
    ["max_tokens=9", "no such key; did you mean sampling.max_tokens or eval.max_tokens?"],
    ["every=9", "no such key; did you mean eval.every or save.every?"],
    ["temperture=1", "no such key; did you mean sampling.temperature?"],
    ["sampling.temprature=1", "no such key; did you mean sampling.temperature?"],
    ["sampling.beta=1", "no such key; did you mean loss.beta?"],
    ["num_generation=4", "no such key; did you mean group_size?"],
    ["loss.qwertzuiop=1", "no such key; loss has form, epsilon_low, "],
    ["qwertzuiop=1", "no such key; there are model, method, data, "],
    // TRL and ms-swift.
    ["num_generations=8", "num_generations: no such key; here it is group_size"],
    ["learning_rate=1e-6", "here it is optimizer.lr"],
    ["num_train_epochs=1", "here it is steps (an epoch is as many steps as samples / prompts_per_step)"],
    ["max_steps=1", "here it is steps"],
    ["per_device_train_batch_size=8", "here it is prompts_per_step ("],
    ["gradient_accumulation_steps=4", "here it is micro_batch_tokens ("],
    ["max_completion_length=256", "here it is sampling.max_tokens"],
    ["max_new_tokens=256", "here it is sampling.max_tokens"],
    ["beta=0.04", "did you mean loss.beta?"],
    ["kl_coef=0.04", "here it is loss.beta"],
    ["epsilon=0.2", "here it is loss.epsilon_low ("],
    ["epsilon_high=0.2", "did you mean loss.epsilon_high?"],
    ["clip_ratio=0.2", "here it is loss.epsilon_low ("],
    ["scale_rewards=false", "here it is advantage (group, batch or centered"],
    ["loss_type=dapo", "here it is loss.normalize (sequence, dr_grpo or token"],
    ["gradient_checkpointing=true", "here it is activation_checkpointing"],
    ["bf16=true", "here it is precision (auto, bfloat16 or float32)"],
    ["fp16=true", "float16 is not supported"],
    ["lora_r=8", "here it is lora.rank"],
    ["lora_rank=8", "here it is lora.rank"],
    ["lora_alpha=8", "here it is lora.alpha"],
    ["lora_dropout=0", "here it is lora.dropout"],
    ["warmup_steps=2", "did you mean optimizer.warmup_steps?"],
    ["warmup_ratio=0.1", "here it is optimizer.warmup_steps (a number of steps"],
    ["weight_decay=0", "did you mean optimizer.weight_decay?"],
    ["adam_beta1=0.9", "here it is optimizer.betas (both in a list"],
    ["max_grad_norm=1", "here it is optimizer.clip_norm"],
    ["save_steps=9", "here it is save.every"],
    ["eval_steps=9", "here it is eval.every"],
    ["output_dir=x", "--run DIR"],
    ["model_name_or_path=x", "here it is model"],
    ["dataset=x", "here it is data.train"],
    ["train_file=x", "here it is data.train"],
    ["reward_funcs=x", "here it is rewards.preset (or rewards.custom"],
    ["use_vllm=true", "leave it out"],
    // verl, whose sections lie one in another.
    ["actor_rollout_ref.rollout.n=5", "actor_rollout_ref.rollout.n: no such key; here it is group_size"],
    ["actor_rollout_ref.actor.optim.lr=1e-6", "actor_rollout_ref.actor.optim.lr: no such key; here it is optimizer.lr"],
    ["actor_rollout_ref.rollout.temperature=1", "here it is sampling.temperature"],
    ["data.train_files=x", "data.train_files: no such key; here it is data.train"],
    ["data.max_response_length=9", "here it is sampling.max_tokens"],
    ["algorithm.kl_ctrl.kl_coef=0.1", "here it is loss.beta"],
    ["trainer.total_epochs=2", "here it is steps ("],
  ])("is told our key by %s", async (override, message) => {
    expect(await faultOf(minimal, override)).toContain(`command line, ${override}: `);
    expect(await faultOf(minimal, override)).toContain(message);
  });

  test("is told our keys for a section of another program, one by one, and at their lines", async () => {
    const verl = "actor_rollout_ref:\n  rollout:\n    n: 5\n  actor:\n    optim: { lr: 1 }\n";
    expect((await faultOf(minimal + verl)).split("\n").slice(1, 3)).toEqual([
      "  recipe.yaml:6: actor_rollout_ref.rollout.n: no such key; here it is group_size",
      "  recipe.yaml:8: actor_rollout_ref.actor.optim.lr: no such key; here it is optimizer.lr",
    ]);
  });

  test("names elsewhere are unique, and ours exist", () => {
    const theirs = OTHER_NAMES.flatMap((each) => each.theirs);
    expect(theirs.filter((name, i) => theirs.indexOf(name) !== i)).toEqual([]);
    const known = [recipeSchema, evalSchema].flatMap((schema) => keyPaths(schema));
    for (const { ours, note } of OTHER_NAMES) {
      expect(known).toEqual(expect.arrayContaining([...ours]));
      if (ours.length === 0) expect(note).toBeTruthy();
    }
  });

  test.each([
    ["data.train=f.jsonl", 'data.train: is "f.jsonl", not a list; write data.train=[f.jsonl]'],
    ["freeze=vision", 'freeze: is "vision", not a list; write freeze=[vision]'],
    ["steps=ten", 'steps: is "ten", not a number; write steps=200'],
    ["optimizer.lr=fast", 'optimizer.lr: is "fast", not a number; write optimizer.lr=2e-6'],
    ["optimizer=1e-5", "optimizer: is 0.00001, not a section with keys of its own; write optimizer.lr=2e-6"],
    ["lora=true", "lora: is true, not a section with keys of its own; write lora.rank=16"],
    ["activation_checkpointing=yes", 'is "yes", not true or false; write activation_checkpointing=true'],
    ["seed='3'", `seed: is "3", not a number; write seed=3`],
    ["optimizer.betas=0.9", "optimizer.betas: is 0.9, not a list; write optimizer.betas=[0.9, 0.999]"],
    ["lora.target_modules=3", "write lora.target_modules=all-linear"],
  ])("is given a value to paste instead of that in %s", async (override, message) => {
    const told = await faultOf(minimal, override);
    expect(told).toContain(message);
    // What is advised is taken.
    const advised = /; write (.*)/.exec(told)![1]!;
    await expect(load(minimal, advised)).resolves.toBeDefined();
  });

  test("is given a line to paste in a file", async () => {
    expect(await faultOf("model: base\ndata:\n  train: a.jsonl\n")).toContain(
      'recipe.yaml:3: data.train: is "a.jsonl", not a list; write train: [a.jsonl]',
    );
  });

  test("that names data that are not there, before anything is opened, and where their path was taken from", async () => {
    const file = join(dir, "recipe.yaml");
    await writeFile(file, `${minimal}  eval: { vsr: gone.jsonl }\n`);
    await expect(loadRecipe(file)).resolves.toBeDefined();
    const missing = (...overrides: string[]) =>
      loadRecipe(file, overrides, { files: true }).catch((error: Error) => error.message.replaceAll(`${dir}/`, "DIR/"));
    const told = await missing("data.train=[b.jsonl]");
    expect(told).toContain(
      `command line, data.train=[b.jsonl]: data.train.0: no such file: ${resolve("b.jsonl")} (on the command line a path starts at the current directory)`,
    );
    expect(told).not.toContain("gone.jsonl");
    const evaluated = await missing("eval.every=1");
    expect(evaluated).toContain(
      "recipe.yaml:3: data.train.0: no such file: DIR/a.jsonl (paths in this file start at its folder)",
    );
    expect(evaluated).toContain("recipe.yaml:4: data.eval.vsr: no such file: DIR/gone.jsonl");
    await writeFile(join(dir, "here.jsonl"), "");
    expect(await missing(`data.train=[${join(dir, "here.jsonl")}]`)).toMatchObject({ steps: 200 });
  });

  test("whose paths lead nowhere, or to another kind of thing, by file, line and key", async () => {
    await writeFile(join(dir, "data.jsonl"), "");
    await mkdir(join(dir, "empty"), { recursive: true });
    const file = join(dir, "recipe.yaml");
    const told = async (rest: string) => {
      await writeFile(file, `model: base\ndata:\n  train: [data.jsonl]\n${rest}`);
      const error = await loadRecipe(file, [], { files: true }).catch((thrown: Error) => thrown);
      expect(error).toBeInstanceOf(UserError);
      return (error as Error).message.replaceAll(`${dir}/`, "");
    };
    for (const [rest, fault] of [
      ["  images: data.jsonl\n", "4: data.images: is a file, not a folder: data.jsonl"],
      ["  images: data.jsonl/x\n", "4: data.images: no such folder: data.jsonl/x"],
      ["  eval: { a: empty }\neval: { every: 1 }\n", "4: data.eval.a: is a folder, not a file: empty"],
    ])
      expect(await told(rest!)).toContain(`recipe.yaml:${fault}`);
  });

  test("of a table: what its rows need", async () => {
    const file = join(dir, "table.yaml");
    await writeFile(join(dir, "data.jsonl"), "");
    const rows = "rows:\n  a: { method: grit, train: gone.yaml }\n  b: { method: sft, pretrain: gone.yaml }\n";
    await writeFile(
      file,
      `model: gone/at/all\nsets: { s: data.jsonl }\n${rows}  c: { method: grit, model: data.jsonl }\n`,
    );
    await expect(loadEvalRecipe(file)).resolves.toBeDefined();
    const error = await loadEvalRecipe(file, [], { files: true }).catch((thrown: Error) => thrown);
    const lines = (error as Error).message.split("\n").slice(1, -1);
    expect(lines.map((line) => line.trim().replace(/: (no|is a|not) .*/, ""))).toEqual(
      ["4: rows.a.train", "5: rows.b.pretrain", "1: model", "6: rows.c.model"].map((at) => `${file}:${at}`),
    );
  });

  test.each([
    ["a name without value", "seed: *gone\n", "recipe.yaml: cannot be read (Unresolved alias"],
    ["a name in its own value", "freeze: &a [*a]\n", "an alias stands for something that contains it"],
    [
      "names of names without end",
      `x: &x [${"1, ".repeat(9)}1]\ny: &y [${"*x, ".repeat(9)}*x]\nz: [${"*y, ".repeat(9)}*y]\n`,
      "recipe.yaml: cannot be read (its aliases multiply each other",
    ],
    ["more bytes than a recipe has", `# ${"a".repeat(70_000)}\n`, "bytes, more than the 65536 that are read"],
    ["a long value", `method: ${"a".repeat(5000)}\n`, 'recipe.yaml:4: method: is "aaa'],
  ])("that has %s", async (_, text, message) => {
    const told = await faultOf(minimal + text);
    expect(told).toContain(message);
    expect(told.length).toBeLessThan(500);
  });

  test("that is no text, or no file", async () => {
    const file = join(dir, "bytes.yaml");
    await writeFile(file, Uint8Array.of(0x61, 0xff));
    await expect(loadRecipe(file)).rejects.toThrow("bytes.yaml: is not UTF-8 text");
    await mkdir(join(dir, "folder.yaml"));
    await expect(loadRecipe(join(dir, "folder.yaml"))).rejects.toThrow("folder.yaml: is not a file");
  });

  test("that is not there", async () => {
    await expect(loadRecipe(join(dir, "none.yaml"))).rejects.toThrow("none.yaml: cannot be read");
  });
});

test.each([
  ["no JSON", "{", /run\.json cannot be read/],
  ["no object", "null", /run\.json cannot be read/],
  ["without a recipe", "{}", /run\.json cannot be read \(.*recipe/],
  ["of another precision", '{"recipe": {"precision": "float8"}}', /precision/],
  ["of a model that is no path", '{"recipe": {"model": 7}}', /model/],
])("a run whose record is %s does not go on", async (_, text, message) => {
  const record = join(dir, "run.json");
  await writeFile(record, text);
  expect(() => settledIn({ precision: "auto", model: "base" }, record)).toThrow(message);
  await writeFile(record, '{"recipe": {"precision": "float32", "model": "base"}}');
  expect(settledIn({ precision: "auto", model: "base" }, record)).toEqual({ precision: "float32", model: "base" });
});

describe("a recipe that would exhaust the machine is refused", () => {
  test.each([
    "steps=1e12",
    "prompts_per_step=1e12",
    "group_size=1e9",
    "lora={rank: 1e9}",
    "loss={form: clipped, updates_per_rollout: 1e9}",
    "sampling.max_tokens=1e12",
    "eval.max_tokens=1e12",
    "image.max_pixels=1e12",
    "image.max_tiles=1e9",
  ])("by its numbers: %s", async (override) => {
    expect(await faultOf(minimal, override)).toMatch(/^ +command line, .*, but must be at most \d+$/m);
  });

  test("by the completions of a step", async () => {
    expect(await faultOf(minimal, "prompts_per_step=60000", "group_size=60000")).toContain(
      "prompts_per_step: times group_size makes 3600000000 completions a step, more than 1048576",
    );
  });

  test.each([
    ["aliases that multiply each other", "aliases multiply", (key: string) => bomb(key)],
    [
      "an alias that contains itself",
      "an alias stands for something that contains it",
      (key: string) => `${key}: &a [*a]`,
    ],
    ["endless levels", "nested too deeply", (key: string) => `${key}: ${"[".repeat(20000)}${"]".repeat(20000)}`],
  ])("by %s, in the file and in an override", async (_, message, yaml) => {
    expect(await faultOf(`${minimal}${yaml("more")}\n`)).toContain(message);
    const value = yaml("more").includes("\n") ? undefined : yaml("more").slice("more: ".length);
    if (value !== undefined) expect(await faultOf(minimal, `seed=${value}`)).toContain(message);
  });

  /** Nine lists of nine, of nine, of nine. */
  function bomb(key: string): string {
    const nine = (what: string) => `[${Array(9).fill(what).join(", ")}]`;
    return `${key}: [&a ${nine("x")}, &b ${nine("*a")}, &c ${nine("*b")}, &d ${nine("*c")}]\nrest: ${nine("*d")}`;
  }
});
