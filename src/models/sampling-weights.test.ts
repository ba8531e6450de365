import { expect, it } from "vitest";
import { DEVICE, IS_PROCESSOR } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { TINIES } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { cast } from "../torch/ops.ts";
import { disposeAll, liveTensors, tidy } from "../torch/tensor.ts";
import { readModel } from "./architectures.ts";
import { isPacked, openSamplingWeights } from "./sampling-weights.ts";
import { Weights } from "./weights.ts";

it.each(TINIES.flatMap((name) => (["float32", "bfloat16"] as const).map((dtype) => [name, dtype] as const)))(
  "what sampling has of %s in %s is freed, and the masters are left",
  (name, dtype) => {
    const { dir } = loadGolden(name);
    const model = readModel(dir);
    const { parameters } = readWeights(
      dir,
      model,
      () => DEVICE,
      () => "float32",
    );
    const before = liveTensors();
    const { weights, close } = openSamplingWeights(model, new Weights(parameters), dtype, () => true);
    const joined = model.siblings.map((prefixes) => weights.joined(prefixes));
    for (const [i, layer] of joined.entries()) {
      expect(layer !== undefined).toBe(IS_PROCESSOR || dtype === "bfloat16");
      if (!layer) continue;
      expect(layer.prefixes).toEqual(model.siblings[i]);
      const outputs = layer.prefixes.map((prefix) => parameters.get(`${prefix}.weight`)!.size(0));
      expect(layer.widths).toEqual(outputs);
      expect(layer.weight.shape).toEqual([outputs.reduce((a, b) => a + b), model.shape.hidden]);
    }
    const isJoined = new Set(model.siblings.flat().map((prefix) => `${prefix}.weight`));
    for (const [parameter, { shape }] of parameters) {
      const packs = isPacked(model, { name: parameter, shape }, weights.device) && !isJoined.has(parameter);
      tidy(() => {
        const [plain, factor] = [weights.get(parameter), weights.factor(parameter)];
        expect([plain, factor].map((tensor) => [tensor.dtype, tensor.shape])).toEqual([
          [dtype, shape],
          [dtype, shape],
        ]);
        // Made once, for all passes.
        if (packs) expect(weights.factor(parameter)).toBe(factor);
      });
      if (!IS_PROCESSOR) expect(packs).toBe(false);
    }
    close();
    expect(liveTensors()).toEqual(before);
    tidy(() => {
      for (const tensor of parameters.values()) expect(cast(tensor, "float32").toFloats().length).toBeGreaterThan(0);
    });
    disposeAll(parameters);
  },
);
