import { afterEach, describe, expect, it, vi } from "vitest";
import { DEVICE, IS_PROCESSOR } from "../../test/device.ts";
import { goldenNames, loadGolden } from "../../test/golden/golden.ts";
import { promptOf } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { readModel } from "../models/architectures.ts";
import { encodeImages } from "../models/forward.ts";
import { Weights } from "../models/weights.ts";
import { DeviceLedger } from "../torch/device-ledger.ts";
import { native } from "../torch/native.ts";
import { disposeAll, keep, liveTensors, noGrad, tidy } from "../torch/tensor.ts";
import { Decoder } from "./decoder.ts";
import { placeholderMask } from "./logprobs.ts";
import { pack } from "./packing.ts";

const UNIFORMS = [0.2, 0.6, 0.9];

native.version();
afterEach(() => vi.restoreAllMocks());

const withoutRecording = () => vi.spyOn(native, "recordsWork").mockReturnValue(false);

/** Ready to write after two prompts of unlike length, three rows in all. */
function open(name: string, temperature: number) {
  const golden = loadGolden(name);
  const model = readModel(golden.dir);
  const { parameters } = readWeights(golden.dir, model, DEVICE);
  const weights = new Weights(parameters);
  const mask_V = keep(tidy(() => placeholderMask(model.shape.vocabulary, golden.masked_ids, DEVICE)));
  const prompts = golden.prompts.slice(0, 2).map(promptOf);
  const positions = prompts.map(({ ids, images }) => model.positions(ids, images));
  const decoder = new Decoder({ model, weights, mask_V }, positions, 200);
  const logits = noGrad(() =>
    tidy(() => {
      const { pack: packed } = pack(
        model,
        prompts.map((prompt) => ({ prompt, branches: [] })),
      );
      const features_MD = packed.images.length > 0 ? encodeImages(model, weights, packed.images) : undefined;
      return decoder.prefill(packed, features_MD, 0);
    }),
  );
  decoder.begin([0, 1, 1], logits);
  const choices = UNIFORMS.map(() => ({ temperature, topP: 1, topK: 0 }));
  const turn = () => decoder.next(choices, UNIFORMS);
  return {
    turn,
    decoder,
    choices,
    layers: model.shape.layers,
    dispose: () => disposeAll([decoder.dispose(), mask_V, parameters]),
  };
}

/** What one turn asks of the device. */
function asked(turn: () => void): { calls: number; uploads: number; reads: number } {
  using ledger = new DeviceLedger();
  turn();
  const { calls, uploads, reads } = ledger;
  return { calls, uploads, reads };
}

describe.each(goldenNames())("a turn of %s", (name) => {
  // On a processor attention is 6 operators instead of 1.
  const layerCalls = IS_PROCESSOR ? 29 : 24;

  it("sends one number a row to the device and reads once, by a fixed number of operators", () => {
    withoutRecording();
    const { turn, layers, dispose } = open(name, 1);
    turn();
    const usual = { calls: layerCalls * layers + 26, uploads: 1, reads: 1 };
    for (let i = 0; i < 3; i++) expect(asked(turn)).toEqual(usual);
    dispose();
  });

  it("asks for all of them at once where they are recorded", () => {
    const { turn, layers, dispose } = open(name, 1);
    for (let i = 0; i < 3; i++) turn();
    // The other is the upload.
    const calls = native.recordsWork(DEVICE) ? 2 : layerCalls * layers + 26;
    for (let i = 0; i < 3; i++) expect(asked(turn)).toEqual({ calls, uploads: 1, reads: 1 });
    dispose();
  });

  it("sends nothing where the likeliest token is taken", () => {
    const { turn, dispose } = open(name, 0);
    turn();
    expect(asked(turn)).toMatchObject({ uploads: 0, reads: 1 });
    dispose();
  });
});

describe.each(["qwen2_5_vl/tied", "internvl/tied"])("200 tokens of %s", (name) => {
  it("make room three times, and leave nothing behind", () => {
    withoutRecording();
    const before = liveTensors();
    const { turn, dispose } = open(name, 1);
    turn();
    const held = liveTensors().tensors;
    const calls = Array.from({ length: 199 }, () => asked(turn).calls);
    const usual = Math.min(...calls);
    // A GPU makes more room at a time.
    expect(IS_PROCESSOR ? [2, 3] : [0, 1]).toContain(calls.filter((count) => count > usual).length);
    expect(liveTensors().tensors).toBe(held);
    dispose();
    expect(liveTensors()).toEqual(before);
  });
});

describe.each(goldenNames())("a turn of %s that is recorded, where a device records", (name) => {
  /** Tokens, before and after a row leaves, and where rows of another decoder have joined. */
  const write = () => {
    const [first, second] = [open(name, 1), open(name, 0.7)];
    const turns = Array.from({ length: 6 }, first.turn);
    first.decoder.select([0, 2]);
    const [choices, uniforms] = [first.choices.slice(0, 2), [0.3, 0.7]];
    for (let i = 0; i < 5; i++) turns.push(first.decoder.next(choices, uniforms, i < 3 ? 2 : 0));
    second.turn();
    first.decoder.join(second.decoder);
    for (let i = 0; i < 5; i++)
      turns.push(first.decoder.next([...choices, ...second.choices], [...uniforms, ...UNIFORMS]));
    for (const { dispose } of [first, second]) dispose();
    return turns;
  };

  it("tells the same tokens and log-probabilities, and leaves nothing behind", () => {
    const before = liveTensors();
    const without = withoutRecording();
    const wanted = write();
    without.mockRestore();
    expect(liveTensors()).toEqual(before);
    const [recorded, repeated] = [vi.spyOn(native, "endRecording"), vi.spyOn(native, "replay")];
    expect(write()).toEqual(wanted);
    const records = native.recordsWork(DEVICE);
    expect(recorded).toHaveBeenCalledTimes(records ? 4 : 0);
    expect(repeated.mock.calls.length > 8).toBe(records);
    expect(liveTensors()).toEqual(before);
  });
});
