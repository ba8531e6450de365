/**
 * @file `precision: auto` from the outside: what it becomes on a processor without bfloat16 instructions, how a run says so,
 * and that a resumed run keeps it on whatever processor it goes on.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { settledIn } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { loadGolden } from "../golden/golden.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const recipe = join(dir, "recipe.yaml");

beforeAll(async () => {
  await renderSets({ out: join(dir, "scenes"), seed: 1, counts: { train: 2, val: 2 } });
  writeFileSync(
    recipe,
    `model: ${loadGolden("tied").dir}
data: { train: [scenes/vsr_train_2.jsonl] }
prompts_per_step: 2
group_size: 2
sampling: { max_tokens: 4 }
image: { max_pixels: 12544 }
device: cpu
`,
  );
});

/** Instructions that oneDNN may use, and so PyTorch: as on a processor that has no others. */
const OLD = { ...process.env, ONEDNN_MAX_CPU_ISA: "AVX2" };

function grit(env: NodeJS.ProcessEnv, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/grit.mjs", ...args], { encoding: "utf8", env });
  return { code: status, out: stdout, err: stderr };
}

const recorded = (run: string) => JSON.parse(readFileSync(join(run, "run.json"), "utf8"));

describe.runIf(process.platform === "linux" && process.arch === "x64")("without bfloat16 instructions", () => {
  it("a run computes in float32, says so, and goes on so elsewhere", () => {
    const run = join(dir, "run");
    const first = grit(OLD, "train", recipe, "steps=1", "--run", run);
    expect(first.code, first.err).toBe(0);
    expect(first.err).toMatch(
      /Computing in float32 on the CPU \(.*, which has no bfloat16 instructions\), \d+ threads?/,
    );
    expect(recorded(run)).toMatchObject({
      recipe: { precision: "float32" },
      machine: { device: "cpu", bfloat16: "emulated", threads: expect.any(Number), processor: expect.any(String) },
    });
    const { ONEDNN_MAX_CPU_ISA: _, ...here } = OLD;
    const second = grit(here, "train", recipe, "steps=2", "--run", run, "--resume");
    expect(second.code, second.err).toBe(0);
    expect(second.err).toMatch(/Computing in float32/);
    expect(recorded(run).recipe.precision).toBe("float32");
    expect(recorded(run).changes.map(({ key }: { key: string }) => key)).toEqual(["steps"]);
  });

  it("bfloat16 is computed when it is asked for, with a warning that has the measured factor", () => {
    const { code, err } = grit(OLD, "train", recipe, "steps=1", "precision=bfloat16", "--run", join(dir, "asked"));
    expect(code, err).toBe(0);
    expect(err).toMatch(/Computing in bfloat16/);
    expect(err).toMatch(/warning: bfloat16 is emulated here: .* takes \d+(\.\d+)? times as long as in float32/);
  });

  it("doctor tells, and eval and generate compute in float32", () => {
    expect(grit(OLD, "doctor").out).toMatch(
      /processor .* has no bfloat16 instructions; precision: auto computes in float32/,
    );
    const data = join(dir, "scenes", "vsr_val.jsonl");
    const asked = ["--model", loadGolden("tied").dir, "--data", data, "--max-tokens", "2", "--max-pixels", "12544"];
    expect(grit(OLD, "generate", ...asked, "--out", join(dir, "out.jsonl")).err).toMatch(/Computing in float32/);
    const evaluated = grit(OLD, "eval", ...asked, "--out", join(dir, "eval"));
    expect(evaluated.code, evaluated.err).toBe(0);
    expect(JSON.parse(readFileSync(join(dir, "eval", "manifest.json"), "utf8")).precision).toBe("float32");
    // It is the same evaluation on a processor that would choose another type.
    const { ONEDNN_MAX_CPU_ISA: _, ...here } = OLD;
    const again = grit(here, "eval", ...asked, "--out", join(dir, "eval"));
    expect(again.code, again.err).toBe(0);
  });
});

it("keeps what auto became, and the checkpoint that a run which trains on stood for; nothing else", () => {
  mkdirSync(join(dir, "begun"), { recursive: true });
  const record = join(dir, "begun", "run.json");
  const auto = { precision: "auto", model: "/models/base" } as const;
  expect(existsSync(record)).toBe(false);
  expect(settledIn(auto, record)).toEqual(auto);
  writeFileSync(record, JSON.stringify({ recipe: { precision: "bfloat16", model: "/models/other", steps: 3 } }));
  expect(settledIn(auto, record)).toEqual({ ...auto, precision: "bfloat16" });
  expect(settledIn({ ...auto, precision: "float32" }, record)).toEqual({ ...auto, precision: "float32" });

  const [step4, step10] = [4, 10].map((step) => join(dir, "base-run", "checkpoints", `step-${step}`)) as [
    string,
    string,
  ];
  for (const folder of [step4, step10]) mkdirSync(folder, { recursive: true });
  const modelOf = (was: string, now: string) => {
    writeFileSync(record, JSON.stringify({ recipe: { model: was } }));
    return settledIn({ ...auto, model: now }, record).model;
  };
  expect(modelOf(step4, step10)).toBe(step4);
  // Named by itself, an earlier checkpoint is another model; so is one that is gone.
  expect(modelOf(step10, step4)).toBe(step4);
  expect(modelOf(`${step4}0`, step10)).toBe(step10);

  writeFileSync(record, '{"recipe":');
  expect(() => settledIn(auto, record)).toThrow(/run\.json cannot be read/);
});

describe("bad input", () => {
  it.each([
    ["precision=bf16", 'precision: is "bf16". Write bfloat16.'],
    ["precision=fp32", 'precision: is "fp32". Write float32.'],
  ])("%s gets the right word", (override, message) => {
    const { code, err } = grit(process.env, "train", recipe, override, "--run", join(dir, "bad"));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("a number of threads that is none is refused; more than cores is said", () => {
    const none = grit({ ...process.env, OMP_NUM_THREADS: "0" }, "train", recipe, "--run", join(dir, "bad"));
    expect(none.code).toBe(2);
    expect(none.err).toMatch(/OMP_NUM_THREADS is "0", which is not a number of threads/);
    expect(none.err).not.toMatch(/ {4}at /);
    const many = grit(
      { ...process.env, OMP_NUM_THREADS: "64" },
      "train",
      recipe,
      "steps=1",
      "--run",
      join(dir, "many"),
    );
    expect(many.err).toMatch(/\d+ threads? \(OMP_NUM_THREADS asks for 64, but there is one core a thread\)/);
    expect(existsSync(join(dir, "bad"))).toBe(false);
  });
});
