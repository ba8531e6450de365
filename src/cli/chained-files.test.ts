/** @file What one command writes is what the next one reads, with nothing renamed in between. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checkpointDir, grit, readLines, writeImage, writeLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { largestGap, scratchPlaces } from "../../test/tiny.ts";
import { VARIETY } from "../../test/variety.ts";
import { chainOf } from "../rewards/fixtures.ts";

const place = scratchPlaces();
const dir = join(place(), "..");
const data = join(dir, "data.jsonl");
const sample = { question: "How many kites?", answer: "2", dataset: "tallyqa", choices: ["1", "2"] };
const asked = (model: string) => ["--model", checkpointDir(model), "--device", DEVICE, "--precision", "float32"];

beforeAll(async () => {
  const image = await writeImage(dir, "wide");
  writeLines(data, [
    { ...sample, image, bboxs: [[1, 2, 9, 8]] },
    { ...sample, image },
  ]);
});

/** Runs a command on a file; the rows it wrote. */
async function rowsOf(command: string, from: string, ...options: string[]): Promise<Record<string, unknown>[]> {
  const out = place();
  const { code, err } = await grit(command, "--data", from, "--out", out, ...options);
  expect(err).not.toContain("error");
  expect(code).toBe(0);
  return readLines(out);
}

/** The faults that a command finds in some lines. */
async function faultsOf(command: string, lines: readonly object[], ...options: string[]): Promise<string> {
  const { code, err } = await grit(command, "--data", writeLines(place(), lines), "--out", place(), ...options);
  expect(code).toBe(2);
  return err;
}

// Of both families: Qwen's boxes are in pixels of the resized image, InternVL's in thousandths.
describe.each(["tied", "internvl/tied"])("what grit generate writes with %s", (model) => {
  let generated: string;
  let rows: Record<string, unknown>[];
  beforeAll(async () => {
    generated = place();
    const how = ["--method", "direct", "--max-tokens", "8", "--temperature", "1"];
    expect((await grit("generate", "--data", data, "--out", generated, ...asked(model), ...how)).code).toBe(0);
    rows = readLines(generated);
  });

  it("is scored to its own log-probabilities", async () => {
    const scored = await rowsOf("score", generated, ...asked(model), "--method", "direct");
    for (const [i, { id, tokens, logprobs }] of scored.entries()) {
      expect([id, tokens]).toEqual([rows[i]!.id, rows[i]!.tokens]);
      expect(largestGap(logprobs as number[], rows[i]!.logprobs as number[])).toBeLessThan(1e-4);
    }
  });

  it("is rewarded, judged, probed, and generated from again", async () => {
    const rewarded = await rowsOf("rewards", generated, "--preset", "code");
    expect(rewarded.map(({ id, total }) => [id, typeof total])).toEqual(rows.map(({ id }) => [id, "number"]));
    const judged = await rowsOf("judge", generated);
    expect(judged.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    const again = await rowsOf("generate", generated, ...asked(model), "--max-tokens", "3", "--method", "direct");
    expect(again.map(({ bboxs }) => bboxs)).toEqual([[[1, 2, 9, 8]], []]);
    const probed = await grit("probe", "faithfulness", "--data", generated, "--out", place(), ...asked(model));
    expect(probed.err).toContain("No chain has a <rethink>");
  });
});

it("boxes that generate found are rewarded in the image, whatever the space of the text", async () => {
  // Thousandths of an image of 100 x 50 pixels: beyond its pixels, and yet inside it.
  const text = chainOf(["[100, 200, 900, 800]", "[0, 0, 500, 1000]"], "2");
  const line = { ...sample, width: 100, height: 50, text };
  const boxes = [
    [10, 10, 90, 40],
    [0, 0, 50, 50],
  ];
  const grounding = async (more: object) => {
    const [row] = await rowsOf("rewards", writeLines(place(), [{ ...line, ...more }]));
    return (row!.terms as Record<string, number>).grounding;
  };
  expect(await grounding({ boxes })).toBe(1);
  expect(await grounding({ boxes: boxes.map((box) => ({ box, outOfBounds: false })) })).toBe(1);
  expect(await grounding({})).toBe(0);
  expect(await grounding({ boxes: [[10, 10, 190, 40], boxes[1]] })).toBe(0.5);
  expect(await faultsOf("rewards", [{ ...line, boxes: [boxes[0]] }])).toContain("boxes: are 1, but the text has 2");
});

it("what grit eval writes is judged to the same scores, rewarded and scored", async () => {
  const out = place();
  const how = ["--max-tokens", "8", "--method", "direct", "--temperature", "1"];
  expect((await grit("eval", "--data", data, "--out", out, ...asked("tied"), ...how)).code).toBe(0);
  const samples = join(out, "samples.jsonl");
  const answers = readLines<{ id: string; acc: number }>(samples);
  expect(await rowsOf("judge", samples)).toEqual(answers.map(({ id, acc }) => ({ id, score: acc })));
  expect(await rowsOf("rewards", samples)).toHaveLength(2);
  expect(await rowsOf("score", samples, ...asked("tied"), "--method", "direct")).toHaveLength(2);
});

it("what a run writes of its rollouts is rewarded as it was, judged and scored", async () => {
  const run = place();
  const recipe = `${place()}.yaml`;
  writeFileSync(join(dir, "variety.mjs"), VARIETY);
  writeFileSync(
    recipe,
    `model: ${checkpointDir("tied")}
data: { train: [${data}] }
steps: 1
prompts_per_step: 2
group_size: 3
sampling: { max_tokens: 8 }
loss: { beta: 0 }
rewards: { custom: [${join(dir, "variety.mjs")}] }
freeze: [vision, connector]
device: ${DEVICE}
`,
  );
  expect(await grit("train", recipe, "--run", run)).toMatchObject({ code: 0 });
  const rollouts = join(run, "rollouts", "step-000001.jsonl");
  const lines = readLines<{ id: string; terms: Record<string, number> }>(rollouts);
  const rewarded = await rowsOf("rewards", rollouts);
  const ids = ["1#1", "1#2", "1#3", "2#1", "2#2", "2#3"].map((end) => `tallyqa-${end}`);
  expect(rewarded.map(({ id }) => id).sort()).toEqual(ids);
  expect(rewarded.map(({ terms }) => terms)).toEqual(lines.map(({ terms: { variety: _, ...preset } }) => preset));
  expect((await rowsOf("judge", rollouts)).map(({ id }) => id).sort()).toEqual(ids);
  expect((await rowsOf("score", rollouts, ...asked("tied"))).map(({ id }) => id).sort()).toEqual(ids);
});

describe("a line", () => {
  const line = { ...sample, width: 10, height: 10 };

  it("that says two things is a fault; one that says a thing twice is not", async () => {
    expect(await faultsOf("rewards", [{ ...line, completion: "a", text: "b" }])).toContain(
      ":1: text: differs from completion; leave one of them out",
    );
    expect(await faultsOf("rewards", [{ ...line, text: "a", tokens: [1], ids: [2] }])).toContain(
      ":1: ids: differs from tokens; leave one of them out",
    );
    expect(await faultsOf("judge", [{ ...line, text: "<answer>two", response: "three" }])).toContain(
      ":1: response: does not occur in text",
    );
    const twice = { ...line, completion: "a", text: "a", completion_ids: [1], tokens: [1] };
    expect(await rowsOf("rewards", writeLines(place(), [twice]))).toHaveLength(1);
  });

  it("that says nothing is a fault", async () => {
    expect(await faultsOf("rewards", [line])).toContain(":1: completion: is missing");
    expect(await faultsOf("judge", [line])).toContain(":1: response: is missing");
  });

  it("is judged by its answer: none is wrong where a tag was asked for", async () => {
    const said = [
      { text: "<think>1</think><answer> 2 </answer>" },
      { completion: "2" },
      { text: "2", acc: null },
      { text: "2", response: null },
      { response: "2" },
    ].map((each) => ({ ...line, ...each }));
    const rows = await rowsOf("judge", writeLines(place(), said));
    expect(rows.map(({ score }) => score)).toEqual([1, 1, 0, 0, 1]);
  });

  it("of a data file may have boxes of its own beside a completion, but names the true ones bboxs", async () => {
    const own = { ...line, completion: "a", boxes: "three of them" };
    expect(await rowsOf("rewards", writeLines(place(), [own]))).toHaveLength(1);
    mkdirSync(join(dir, "own"));
    await writeImage(join(dir, "own"), "wide");
    const trained = writeLines(join(dir, "own", "in.jsonl"), [{ ...sample, image: "wide.png", boxes: [] }]);
    expect((await grit("data", "check", trained)).err).toContain("boxes: is not read; name the boxes bboxs");
  });
});
