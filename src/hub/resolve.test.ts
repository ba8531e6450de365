import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { COMMIT } from "../../test/hub/fake.ts";
import { scratch } from "../../test/tiny.ts";
import { loadRecipe } from "../config/recipe.ts";
import { loadFinetuneRecipe } from "../pretrain/finetune.ts";
import { loadEvalRecipe } from "../tables/table-recipe.ts";
import { anchored, modelFolder } from "./resolve.ts";

const dir = scratch();
const cache = join(dir, "hub");
const repo = join(cache, "models--org--name");
const snapshot = join(repo, "snapshots", COMMIT);
mkdirSync(snapshot, { recursive: true });
mkdirSync(join(repo, "refs", "refs", "pr"), { recursive: true });
for (const ref of ["main", "refs/pr/2"]) writeFileSync(join(repo, "refs", ref), COMMIT);

beforeEach(() => {
  vi.stubEnv("HF_HUB_CACHE", cache);
  return () => vi.unstubAllEnvs();
});

test.each(["org/name", "org/name@main", "org/name@refs/pr/2", `org/name@${COMMIT}`])("%s is its snapshot", (name) => {
  expect(modelFolder(anchored(name, dir))).toBe(snapshot);
});

test("a folder wins over an id of the same spelling", () => {
  mkdirSync(join(dir, "here", "org", "name"), { recursive: true });
  expect(anchored("org/name", join(dir, "here"))).toBe(join(dir, "here", "org", "name"));
  expect(anchored("org/name", dir)).toBe("org/name");
});

test.each(["base", "../models/none", "/no/where", "./org/name"])("%s can only be a path", (name) => {
  expect(modelFolder(anchored(name, dir))).toBe(resolve(dir, name));
});

test.each(["https://huggingface.co/org/name", "hf://org/name", "file:///models/base"])("%s is refused", (name) => {
  expect(anchored(name, dir)).toBe(name);
  expect(() => modelFolder(anchored(name, dir))).toThrow(/is an address.*\n.*grit download org\/name/);
});

test.each([
  ["org/other", "npx grit download org/other"],
  ["org/name@v9", "npx grit download org/name --revision v9"],
  ["org/name@refs/pr", "npx grit download org/name --revision refs/pr"],
])("%s is not there, and the command that fetches it is named", (name, command) => {
  const message = `Model ${name} not found locally or in the cache (${cache}). Download it with: ${command}`;
  expect(() => modelFolder(name)).toThrow(message);
});

test("weights that another tool fetched in part are not taken for whole", () => {
  const partial = join(cache, "models--org--partial", "snapshots", COMMIT);
  mkdirSync(partial, { recursive: true });
  writeFileSync(join(partial, "1.safetensors"), "");
  symlinkSync("../../blobs/none", join(partial, "2.safetensors"));
  const index = { weight_map: { a: "1.safetensors", b: "2.safetensors", c: "2.safetensors" } };
  writeFileSync(join(partial, "model.safetensors.index.json"), JSON.stringify(index));
  expect(() => modelFolder(`org/partial@${COMMIT}`)).toThrow(
    /lacks 2\.safetensors. Download the rest with: npx grit download org\/partial --revision/,
  );
});

test("recipes name models so, and are told of one that is missing among their other faults", async () => {
  const file = join(dir, "recipe.yaml");
  writeFileSync(file, "model: org/other\ndata: { train: [a.jsonl] }\nstep: 3\n");
  await expect(loadRecipe(file)).rejects.toThrow(
    /recipe\.yaml:1: model: Model org\/other not found locally.*: npx grit download org\/other\n.*recipe\.yaml:3: step: no such key/,
  );
  await expect(loadRecipe(file, ["model=org/none"])).rejects.toThrow(
    /command line, model=org\/none: model: Model org\/none not found/,
  );
  writeFileSync(file, "model: org/other\ndata: { train: [a.jsonl] }\n");
  expect(await loadRecipe(file, ["model=org/name"])).toMatchObject({ model: snapshot });
});

test("a run folder is its latest checkpoint, in every recipe that names a model", async () => {
  const run = join(dir, "runs", "mine");
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "run.json"), "{}");
  const train = join(dir, "train.yaml");
  writeFileSync(train, "model: runs/mine\ndata: { train: [a.jsonl] }\n");
  await expect(loadRecipe(train)).rejects.toThrow(
    /train\.yaml:1: model: The run in .*mine has no checkpoint yet\. Wait/,
  );
  for (const step of ["step-2", "step-10", ".tmp-step-11"])
    mkdirSync(join(run, "checkpoints", step), { recursive: true });
  const latest = join(run, "checkpoints", "step-10");
  expect(await loadRecipe(train)).toMatchObject({ model: latest });
  expect(await loadRecipe(train, [`model=${run}`])).toMatchObject({ model: latest });
  expect(await loadFinetuneRecipe(train)).toMatchObject({ model: latest });
  const table = join(dir, "table.yaml");
  writeFileSync(
    table,
    "sets: { vsr: a.jsonl }\nmodel: runs/mine\nrows: { direct: { method: direct }, other: { method: cot, model: runs/mine } }\n",
  );
  expect(await loadEvalRecipe(table)).toMatchObject({ model: latest, rows: { other: { model: latest } } });
});
