import { spawnSync } from "node:child_process";
import { cpSync, type Dirent, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { grit, readLines, writeDamaged, writeImage, writeLines } from "../test/commands.ts";
import { DEVICE } from "../test/device.ts";
import { loadGolden } from "../test/golden/golden.ts";
import { scratchPlaces } from "../test/tiny.ts";
import { VARIETY } from "../test/variety.ts";
import type { MetricsLine } from "./run/lines.ts";
import { SafetensorsFile, writeSafetensors } from "./torch/safetensors.ts";

const place = scratchPlaces();
const dir = join(place(), "..");
const line = { image: "wide.png", question: "Is the kite above the boat?", answer: "yes", dataset: "vsr" };
const data = join(dir, "train.jsonl");

beforeAll(async () => {
  await writeImage(dir, "wide");
  writeLines(data, [line, { ...line, question: "How many?" }]);
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
});

/** A recipe with more keys, each in place of ours. */
function recipeWith(more: string): string {
  const ours = `steps: 3
prompts_per_step: 2
group_size: 4
method: direct
sampling: { temperature: 1, max_tokens: 8 }
loss: { beta: 0 }
optimizer: { lr: 1.0e-3, weight_decay: 0 }
rewards: { custom: [variety.mjs] }
device: ${DEVICE}`;
  return stringify({ ...parse(ours), ...parse(more) });
}

/** Runs `grit train` on a recipe with more lines; in the folder of a run, it resumes that. */
async function trained(more: string, begun?: string) {
  const [recipe, run] = [`${place()}.yaml`, begun ?? place()];
  writeFileSync(recipe, recipeWith(more));
  return { ...(await grit("train", recipe, "--run", run, ...(begun ? ["--resume"] : []))), run };
}

/** Everything in a run folder, by path. */
const contentsOf = (run: string) =>
  new Map(
    (readdirSync(run, { recursive: true, withFileTypes: true }) as Dirent[])
      .filter((entry) => entry.isFile())
      .map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), "utf8")]),
  );

describe("before a run folder is made", () => {
  const model = `model: ${loadGolden("tied").dir}`;
  const heldOut = (lines: readonly object[]) => writeLines(`${place()}.jsonl`, lines);

  it("every prompt is laid out, the held-out ones too, and all that cannot be asked are named", async () => {
    const damaged = { ...line, image: writeDamaged(dir, "wide.png") };
    const one = heldOut([line, { ...line, question: "So?<|im_end|>" }, damaged]);
    const two = heldOut([{ ...line, question: "why ".repeat(5000) }]);
    const bad = heldOut([{ ...line, question: "<|image_pad|>?" }]);
    const ran = await trained(
      `${model}\ndata: { train: [${data}, ${bad}], eval: { one: ${one}, two: ${two} } }\neval: { every: 1 }\n`,
    );
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining("the data: 4 faults") });
    expect(ran.err).toMatch(/data\.train: Sample vsr-1 .*contains <\|image_pad\|>/);
    expect(ran.err).toMatch(/data\.eval\.one: Sample vsr-2 .*contains <\|im_end\|>/);
    expect(ran.err).toMatch(/data\.eval\.one: Sample vsr-3 .*damaged or truncated/);
    expect(ran.err).toMatch(/data\.eval\.two: Sample vsr-1 .*more than the model's 4096/);
    expect(existsSync(ran.run)).toBe(false);
  });

  it("so is the room for the held-out answers, which may be longer than those in training", async () => {
    const ran = await trained(
      `${model}\ndata: { train: [${data}], eval: { one: ${heldOut([line])} } }\neval: { every: 1, max_tokens: 4090 }\n`,
    );
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(/data\.eval\.one: Sample vsr-1: a prompt of \d+ tokens and 4090 new ones make/);
    expect(existsSync(ran.run)).toBe(false);
  });
});

describe("data", () => {
  it("of held-out sets that are never asked need not be there", async () => {
    const model = loadGolden("tied").dir;
    const ran = await trained(
      `model: ${model}\ndata: { train: [${data}], eval: { gone: gone.jsonl } }\nfreeze: [vision]\n`,
    );
    expect(ran).toMatchObject({ code: 0 });
  });

  it("that are missing or faulty are told of before the model is opened, missing ones with where their path starts", async () => {
    // There is no such model: whoever opened it first would hear of that instead.
    const unopened = `model: ${place()}`;
    const gone = await trained(`${unopened}\ndata: { train: [gone.jsonl] }\n`);
    expect(gone.code).toBe(2);
    expect(gone.err).toMatch(/data\.train\.0: no such file: .*gone\.jsonl \(paths in this file start at its folder\)/);
    const faulty = writeLines(`${place()}.jsonl`, [{ ...line, answer: 3 }]);
    expect((await trained(`${unopened}\ndata: { train: [${faulty}] }\n`)).err).toMatch(/jsonl:1: answer: is a number/);
    const unasked = `eval: { one: ${faulty} }`;
    const asked = await trained(`${unopened}\ndata: { train: [${data}], ${unasked} }\neval: { every: 1 }\n`);
    expect(asked.err).toMatch(/jsonl:1: answer: is a number/);
    const folder = writeLines(`${place()}.jsonl`, [{ ...line, image: "none.png" }]);
    expect((await trained(`${unopened}\ndata: { train: [${folder}] }\n`)).err).toMatch(
      /one image is missing \(image paths start at the data file's folder; .*data\.images\)/,
    );
  });
});

describe("a trained part that the first step does not move", () => {
  /** A copy of a checkpoint whose connector ends in zeros: no gradient passes it. */
  function deaf(): string {
    const model = place();
    cpSync(loadGolden("tied").dir, model, { recursive: true });
    const path = join(model, "model.safetensors");
    const file = new SafetensorsFile(path);
    const bytes = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
    const last = [...bytes.keys()].filter((name) => /merger\.mlp\.2\.weight$/.test(name));
    expect(last).toHaveLength(1);
    bytes.get(last[0]!)!.fill(0);
    writeSafetensors(path, file.entries, ({ name }) => bytes.get(name)!);
    return model;
  }

  it("ends the run, which says what to do; frozen, it does not", async () => {
    const model = deaf();
    const recipe = (freeze: string) => `model: ${model}\ndata: { train: [${data}] }\nfreeze: [${freeze}]\n`;
    const ran = await trained(recipe("connector"));
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(/Step 1 has not moved these parts, though they are trained: vision\. .*\n.*Freeze them/);
    expect(readLines(join(ran.run, "metrics.jsonl"))).toHaveLength(1);
    expect(existsSync(join(ran.run, "checkpoints"))).toBe(false);
    expect(await trained(recipe("connector, vision"))).toMatchObject({ code: 0 });
  });
});

describe("a run that is resumed", () => {
  const lora = "lora: { rank: 2 }";
  const recipe = (more: string, model = loadGolden("tied").dir) =>
    `model: ${model}\ndata: { train: [${data}] }\n${more}\n`;
  let run: string;
  beforeAll(async () => {
    const ran = await trained(recipe(lora));
    expect(ran, ran.err).toMatchObject({ code: 0 });
    run = ran.run;
  });

  it("is refused with another base, however little differs, with other data and with fewer steps; nothing changes", async () => {
    const other = place();
    cpSync(loadGolden("tied").dir, other, { recursive: true });
    const weights = join(other, "model.safetensors");
    const bytes = readFileSync(weights);
    bytes.writeUInt16LE(bytes.readUInt16LE(bytes.length - 2) ^ 1, bytes.length - 2);
    writeFileSync(weights, bytes);
    const before = contentsOf(run);
    const begun = loadGolden("tied").dir;
    for (const [more, model, message] of [
      ["", other, `The weights or files of ${other} are not those that ${run} began with (model: ${begun}).`],
      ["", loadGolden("internvl/tied").dir, `are not those that ${run} began with (model: ${begun}).`],
      ["steps: 1", begun, `${run} has made 3 steps, more than the 1 that the recipe asks for.`],
    ] as const) {
      const ran = await trained(recipe(`${lora}\n${more}`, model), run);
      expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(message) });
    }
    expect(contentsOf(run)).toEqual(before);
  });

  it("is refused with a training state or metrics of another step; nothing changes", async () => {
    const state = join("checkpoints", "step-3", "trainer", "state.safetensors");
    const counting = (steps: string) => (again: string) => {
      const file = new SafetensorsFile(join(run, state));
      const tensors = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
      writeSafetensors(join(again, state), file.entries, ({ name }) => tensors.get(name)!, { steps });
    };
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").split("\n");
    const metrics =
      (...kept: number[]) =>
      (again: string) =>
        writeFileSync(join(again, "metrics.jsonl"), kept.map((i) => `${lines[i]}\n`).join(""));
    for (const [change, message] of [
      [
        counting("7"),
        /state in .*step-3.trainer has seen 7 updates, but step 3 of .* is after 3\.\n.*or remove .*step-3/,
      ],
      [counting("0"), /has seen 0 updates, but step 3/],
      [metrics(0, 1), /metrics\.jsonl lacks step 3, but the run's checkpoint is of step 3\.\n.*restore them/],
      [metrics(0, 2), /metrics\.jsonl:2 lacks step 2/],
      [metrics(0, 0, 1, 2), /metrics\.jsonl:2 lacks step 2/],
    ] as const) {
      const again = place();
      cpSync(run, again, { recursive: true });
      change(again);
      const before = contentsOf(again);
      const ran = await trained(recipe(`${lora}\nsteps: 5`), again);
      expect(ran).toMatchObject({ code: 2, err: expect.stringMatching(message) });
      expect(contentsOf(again)).toEqual(before);
    }
  });

  it("says which keys of its recipe have changed; a base that lies elsewhere is the same", async () => {
    const moved = place();
    cpSync(loadGolden("tied").dir, moved, { recursive: true });
    const again = place();
    cpSync(run, again, { recursive: true });
    const ran = await trained(recipe("lora: { rank: 2, alpha: 8 }\nseed: 3", moved), again);
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(ran.err).toContain("The run goes on with changes:\n  model:");
    expect(ran.err).toContain("\n  seed: 1 before, 3 now\n  lora.alpha: 32 before, 8 now\n");
    const { changes } = JSON.parse(readFileSync(join(again, "run.json"), "utf8")) as { changes: object[] };
    expect(changes).toContainEqual({ step: 3, key: "seed", from: "1", to: "3" });
  });
});

describe("a reward that fails", () => {
  /** A module that tells the completions of the first step apart, and does this with those of the second. */
  function failing(then: string): string {
    const path = `${place()}.mjs`;
    const score = "new Set(ids).size / ids.length + (ids[0] % 7) / 7";
    const seen = "globalThis.seen = (globalThis.seen ?? 0) + 1";
    const code = `({ completion: { ids } }) => { ${seen}; if (globalThis.seen > 8) { ${then} } return ${score}; }`;
    writeFileSync(path, `export default { name: "own", weight: 1, score: ${code} };\n`);
    return path;
  }
  const recipe = (module: string) =>
    `model: ${loadGolden("tied").dir}\ndata: { train: [${data}] }\nfreeze: [vision]\nsave: { every: 50 }\n`.concat(
      `rewards: { custom: [${module}] }\n`,
    );
  const saved = (run: string) => existsSync(join(run, "checkpoints", "step-1", "trainer", "state.safetensors"));

  it("ends the run with the steps before it saved; mended, the run goes on", async () => {
    const module = failing("throw new Error('boom')");
    const ran = await trained(recipe(module));
    expect(ran, ran.err).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(/reward "own" failed for sample vsr-\d \(.*train\.jsonl:\d\): Error: boom \(at .*\.mjs/);
    expect(ran.err).toContain(`Ended in step 2; the run is saved after step 1 in ${ran.run}. Go on with --resume.`);
    expect(saved(ran.run)).toBe(true);
    const mended = await trained(recipe("variety.mjs"), ran.run);
    expect(mended, mended.err).toMatchObject({ code: 0 });
    expect(readLines(join(ran.run, "metrics.jsonl"))).toHaveLength(3);
  });

  it("so does one that never answers", async () => {
    const [file, run] = [`${place()}.yaml`, place()];
    writeFileSync(file, recipeWith(recipe(failing("return new Promise(() => {});"))));
    const { status, stderr } = spawnSync(process.execPath, ["bin/grit.mjs", "train", file, "--run", run], {
      encoding: "utf8",
    });
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(/reward "own" never answered for sample vsr-\d/);
    expect(saved(run)).toBe(true);
  });
});

describe("alarms", () => {
  const recipe = (more: string) =>
    `model: ${loadGolden("tied").dir}\ndata: { train: [${data}] }\nfreeze: [vision]\n${more}\n`;
  const linesOf = (run: string) => readLines<MetricsLine>(join(run, "metrics.jsonl"));
  const ringing = (run: string, name: string) =>
    linesOf(run).flatMap(({ step, alarms = [] }) =>
      alarms.filter((alarm) => alarm.name === name).map(({ since }) => `${step} since ${since}`),
    );

  it("of terms that oppose each other are told once, also where the run is resumed, and shown in the report", async () => {
    const module = `${place()}.mjs`;
    writeFileSync(
      module,
      `const variety = ({ completion: { ids } }) => new Set(ids).size / ids.length + (ids[0] % 7) / 7;
export const wide = { name: "wide", weight: 1, score: variety };
export const narrow = { name: "narrow", weight: 0.5, score: (rollout) => 2 - variety(rollout) };
`,
    );
    const opposed = (steps: number) => recipe(`steps: ${steps}\nrewards: { custom: [${module}] }`);
    const ran = await trained(opposed(8));
    expect(ran, ran.err).toMatchObject({ code: 0 });
    const told =
      /alarm opposed-terms at step 8: The terms wide and narrow of the reward .* -1\.00\.\n.*rewards\.custom/;
    expect(ran.err).toMatch(told);
    const resumed = await trained(opposed(10), ran.run);
    expect(resumed, resumed.err).toMatchObject({ code: 0 });
    expect(resumed.err).not.toContain("alarm opposed-terms");
    expect(ringing(ran.run, "opposed-terms")).toEqual(["8 since 8", "9 since 8", "10 since 8"]);
    expect((await grit("report", ran.run)).code).toBe(0);
    const page = readFileSync(join(ran.run, "report.html"), "utf8");
    expect(page).toContain('<th scope="row">opposed-terms</th>\n      <td>8 to the last</td>');
  });

  it("of a policy that runs away, and of chains that are cut off", async () => {
    const ran = await trained(recipe("steps: 8\nmethod: grit\nloss: { beta: 0.01 }\noptimizer: { lr: 0.03 }"));
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(ran.err).toMatch(/alarm kl-runaway at step 8: The KL to the reference .*\n.*optimizer\.lr/);
    expect(ran.err).toMatch(/alarm cut-off at step 8: \d+ % of the chains in steps 1 to 8 are cut off/);
    expect(ringing(ran.run, "kl-runaway")).toEqual(["8 since 8"]);
  });
});

describe("steps that are not finite", () => {
  const recipe = (more: string) =>
    `model: ${loadGolden("tied").dir}\ndata: { train: [${data}] }\nfreeze: [vision]\n${more}\n`;
  const checkpoints = (run: string) =>
    existsSync(join(run, "checkpoints")) ? readdirSync(join(run, "checkpoints")).sort() : [];
  const steps = (run: string) =>
    readLines<MetricsLine>(join(run, "metrics.jsonl")).map(({ step, skipped }) => [step, skipped]);
  const all = (last: number) => Array.from({ length: last }, (_, i) => [i + 1, 0]);

  it("because of a reward, three in a row: the last good step is saved, and the run goes on as if they had never been", async () => {
    const module = `${place()}.mjs`;
    const overflow = "(globalThis.judged = (globalThis.judged ?? 0) + 1) > 24 ? 1.7e308 : ";
    writeFileSync(module, VARIETY.replace("=> ", `=> ${overflow}`));
    const ran = await trained(recipe(`steps: 9\nrewards: { custom: [${module}] }`));
    expect(ran, ran.err).toMatchObject({ code: 2 });
    expect(ran.err).toContain("Steps 4 to 6 were not finite (advantage, loss, gradient); their updates were left out.");
    expect(ran.err).toMatch(
      /rolled back to .*checkpoints.step-3\. Lower .*rewards\.custom, and go on from there with --resume/,
    );
    expect(checkpoints(ran.run)).toEqual(["step-3"]);
    expect(steps(ran.run).slice(3)).toEqual([
      [4, 1],
      [5, 1],
      [6, 1],
    ]);
    const mended = await trained(recipe("steps: 9"), ran.run);
    expect(mended, mended.err).toMatchObject({ code: 0 });
    expect(steps(ran.run)).toEqual(all(9));
    const unbroken = await trained(recipe("steps: 9"));
    const state = join("checkpoints", "step-9", "trainer", "state.safetensors");
    expect(readFileSync(join(ran.run, state)).equals(readFileSync(join(unbroken.run, state)))).toBe(true);
    expect(readdirSync(join(ran.run, "rollouts"))).toEqual(readdirSync(join(unbroken.run, "rollouts")));
  });

  it("because of weights that an update has ruined: the run goes back to those before it", async () => {
    const ran = await trained(recipe("steps: 3"));
    const ruin = "optimizer: { lr: 1.0e10 }\nsave: { every: 1, keep: 1 }";
    const ruined = await trained(recipe(`steps: 9\n${ruin}`), ran.run);
    expect(ruined, ruined.err).toMatchObject({ code: 2 });
    expect(ruined.err).toMatch(
      /Steps 5 to 7 were not finite \(.*gradient\); .*\n.*rolled back to .*step-3\. Lower optimizer\.lr/,
    );
    expect(checkpoints(ran.run)).toEqual(["step-3"]);
    const mended = await trained(recipe("steps: 9"), ran.run);
    expect(mended, mended.err).toMatchObject({ code: 0 });
    expect(steps(ran.run)).toEqual(all(9));
    expect(checkpoints(ran.run)).toEqual(["step-3", "step-9"]);
  });

  it("after the first update of a run: it begins again", async () => {
    const ran = await trained(recipe("steps: 6\noptimizer: { lr: 1.0e10 }\nsave: { every: 1 }"));
    expect(ran, ran.err).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(
      /Steps 2 to 4 were not finite .*\n.*No checkpoint of a good step is left .*begin again at the start/,
    );
    expect(checkpoints(ran.run)).toEqual([]);
    const mended = await trained(recipe("steps: 6"), ran.run);
    expect(mended, mended.err).toMatchObject({ code: 0 });
    expect(steps(ran.run)).toEqual(all(6));
  });

  it("from the first one on, after a resume: no update can be the cause, and the checkpoint it began with stays", async () => {
    const ran = await trained(recipe("steps: 3\nprecision: float32"));
    const changed = "steps: 9\nloss: { beta: 1.0e+38 }\nprecision: float32\nsave: { every: 1, keep: 1 }";
    const resumed = await trained(recipe(changed), ran.run);
    expect(resumed, resumed.err).toMatchObject({ code: 2 });
    expect(resumed.err).toMatch(
      /Steps 4 to 6 were not finite .*\n.*rolled back to .*step-3\. Look at model and data with grit check\. Lower loss\.beta, and go/,
    );
    expect(checkpoints(ran.run)).toEqual(["step-3"]);
  });

  it("count on where a run is resumed amid them", async () => {
    const ran = await trained(recipe("steps: 3\noptimizer: { lr: 1.0e10 }\nsave: { every: 1, keep: 1 }"));
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(checkpoints(ran.run)).toEqual(["step-1", "step-2", "step-3"]);
    const resumed = await trained(recipe("steps: 6"), ran.run);
    expect(resumed, resumed.err).toMatchObject({ code: 2 });
    expect(resumed.err).toMatch(/Steps 2 to 4 were not finite .*\n.*No checkpoint of a good step is left/);
    expect(checkpoints(ran.run)).toEqual([]);
  });

  it("and an update that leaves infinite weights ends the run at once, and they are in no checkpoint", async () => {
    const ran = await trained(recipe("steps: 6\noptimizer: { lr: 1.0e39 }\nsave: { every: 1 }"));
    expect(ran, ran.err).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(
      /The update of step 1 left [\w.]+ with values that are not finite\.\n.*Lower optimizer\.lr/,
    );
    expect(checkpoints(ran.run)).toEqual([]);
    const [line] = readLines<MetricsLine>(join(ran.run, "metrics.jsonl"));
    expect(line!.notFinite).toEqual([expect.stringMatching(/\.weight$|\.bias$/)]);
  });
});
