import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkpointDir, goldenLines } from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { goldenImage, syntheticRgb } from "../../test/golden/golden.ts";
import { largestGap } from "../../test/tiny.ts";
import { parseChain } from "../chain/parse.ts";
import type { Engine } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { readModel } from "../models/architectures.ts";
import { userText } from "../prompt/methods.ts";
import type { Prompt } from "../records.ts";
import { liveTensors } from "../torch/tensor.ts";
import { attentionSummary, rethinkAttention } from "./attention-share.ts";
import { boxesRemoved, withBoxes } from "./boxed-thought.ts";

const path = new URL("../../test/golden/metrics/attention.json", import.meta.url);
const recorded = JSON.parse(readFileSync(path, "utf8")) as number[][][];
const checkpoints = ["tied", "released"];
const expected = checkpoints.flatMap((name) => goldenLines(name).map((line) => ({ name, line })));

function promptOf(engine: Engine, image: string, question: string) {
  const { width, height } = goldenImage(image);
  const picture = { width, height, rgb: syntheticRgb(width, height) };
  return engine.processor.promptFrom({ images: [picture], text: userText(question, "direct") });
}

/** The places of a prompt's image. */
function imageOf({ processor }: Engine, { ids }: Prompt): number[] {
  return ids.flatMap((id, place) => (id === processor.imageTokenId ? [place] : []));
}

describe.each(checkpoints)("attentionTo of %s", (checkpoint) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await RemoteEngine.open(checkpointDir(checkpoint), { device: DEVICE, precision: "float32" });
  });
  afterAll(() => engine.dispose());

  it("equals the weights of transformers' eager attention, and leaves no tensor behind but the features of its images", async () => {
    const lines = expected.flatMap((each, i) =>
      each.name === checkpoint ? [{ ...each, attention: recorded[i]! }] : [],
    );
    const prompts = await Promise.all(lines.map(({ line }) => promptOf(engine, line.image, line.question)));
    const everywhere = ({ ids }: Prompt, written: number) => [...ids, ...Array(written)].map((_, place) => place);
    const observe = () =>
      Promise.all(
        lines.map(({ line }, i) => {
          const places = [imageOf(engine, prompts[i]!), everywhere(prompts[i]!, line.ids.length), []];
          return engine.attentionTo(places, prompts[i]!, line.ids);
        }),
      );
    for (const [i, [image, all, none]] of (await observe()).entries()) {
      expect(largestGap(image!, lines[i]!.attention)).toBeLessThan(1e-5);
      for (const share of all!.flat()) expect(share).toBeCloseTo(1, 5);
      expect(new Set(none!.flat())).toEqual(new Set([0]));
    }
    const before = liveTensors();
    await observe();
    expect(liveTensors()).toEqual(before);
  });
});

describe("rethinkAttention", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await RemoteEngine.open(checkpointDir("tied"), { device: DEVICE, precision: "float32" });
  });
  afterAll(() => engine.dispose());

  it("compares rethinks of one length after a thought with its boxes and without", async () => {
    const prompt = await promptOf(engine, "wide", "Which one?");
    const parse = (text: string) => parseChain(text, { space: "frame", frame: prompt.images[0]!.frame });
    const texts = [
      "<think>it is (1, 2, 30, 40)</think><rethink>so<answer>1",
      "no tags",
      "<think>no box</think><rethink>",
    ];
    const chains = texts.map((text) => ({ prompt, chain: parse(text) }));
    const variants = { withBoxes, boxesRemoved };
    const [observed, ...others] = await rethinkAttention(engine, chains, variants, { stop: [], tokens: 5 });
    expect(others).toEqual([undefined, undefined]);
    const { withBoxes: having, boxesRemoved: lacking } = observed!;
    expect(having.image.map((tokens) => tokens.length)).toEqual(lacking.image.map((tokens) => tokens.length));
    expect(having.image).toHaveLength(readModel(checkpointDir("tied")).shape.layers);
    expect(having.image).not.toEqual(lacking.image);
    expect(new Set(lacking.boxes.flat())).toEqual(new Set([0]));
    for (const share of having.boxes.flat()) expect(share).toBeGreaterThan(0);
    expect(having.tokens).toEqual({
      image: imageOf(engine, prompt).length,
      boxes: expect.any(Number),
      all: prompt.ids.length + engine.processor.tokenizer.encode(`${texts[0]!.split("<rethink>")[0]}<rethink>`).length,
    });
    expect(lacking.tokens.boxes).toBe(0);
    // The first token after the cut is chosen at the end of the intact prefix itself.
    const forced = [
      ...prompt.ids,
      ...engine.processor.tokenizer.encode("<think>it is (1, 2, 30, 40)</think><rethink>"),
    ];
    const sampled = await engine.sample([{ ...prompt, ids: forced }], { n: 1, maxTokens: 1, temperature: 0, seed: 0 });
    const [alone] = await engine.attentionTo(
      [imageOf(engine, prompt)],
      { ...prompt, ids: forced },
      sampled[0]![0]!.ids,
    );
    expect(
      largestGap(
        having.image.map(([first]) => first!),
        alone!.map(([first]) => first!),
      ),
    ).toBeLessThan(1e-6);
  });
});

it("averages over layers, tokens and chains", () => {
  const summary = attentionSummary([
    {
      withBoxes: [
        [0.2, 0.4],
        [0.6, 0.8],
      ],
      withoutBoxes: [
        [0.1, 0.1],
        [0.3, 0.3],
      ],
    },
    { withBoxes: [[0.4], [0.2]], withoutBoxes: [[0.1], [0.1]] },
  ]);
  const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 12));
  expect(summary.withBoxes).toEqual({ byToken: close([0.35, 0.6]), byLayer: close([0.35, 0.45]) });
  expect(summary.withoutBoxes).toEqual({ byToken: close([0.15, 0.2]), byLayer: close([0.1, 0.2]) });
  expect(summary.gain).toMatchObject({ before: expect.closeTo(0.15, 12), after: expect.closeTo(0.4, 12), n: 2 });
});
