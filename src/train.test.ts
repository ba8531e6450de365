import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { grit, readLines, writeDamaged, writeImage, writeLines } from "../test/commands.ts";
import { DEVICE } from "../test/device.ts";
import { loadGolden } from "../test/golden/golden.ts";
import { scratchPlaces, VARIETY } from "../test/tiny.ts";
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

/** Runs `grit train` on a recipe with more lines. */
async function trained(more: string) {
  const [recipe, run] = [`${place()}.yaml`, place()];
  writeFileSync(
    recipe,
    `steps: 3
prompts_per_step: 2
group_size: 4
method: direct
sampling: { temperature: 1, max_tokens: 8 }
loss: { beta: 0 }
optimizer: { lr: 1.0e-3, weight_decay: 0 }
rewards: { custom: [variety.mjs] }
device: ${DEVICE}
${more}`,
  );
  return { ...(await grit("train", recipe, "--run", run)), run };
}

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
