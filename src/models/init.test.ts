import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadGolden } from "../../test/golden/golden.ts";
import { scratch } from "../../test/tiny.ts";
import { disposeAll, type Tensor } from "../torch/tensor.ts";
import { initialWeights } from "./init.ts";
import { readModel } from "./registry.ts";

const dir = scratch();
let folders = 0;

/** Fresh weights of a golden checkpoint's architecture, its vision tower's config changed. */
function fresh(name: string, vision: object): Map<string, Tensor> {
  const folder = join(dir, String(folders++));
  cpSync(loadGolden(name).dir, folder, { recursive: true });
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as { vision_config: object };
  writeFileSync(path, JSON.stringify({ ...config, vision_config: { ...config.vision_config, ...vision } }));
  return initialWeights(readModel(folder), 1);
}

test.each([
  ["internvl/tied", { layer_scale_init_value: 0.3 }, 0.3],
  ["internvl/tied", { layer_scale_init_value: undefined }, 0.1],
  ["internvl/original", { initializer_factor: 0.2 }, 0.2],
  ["internvl/original", {}, 0.1],
])("the layer scales of %s with %j are the reference's", (name, vision, value) => {
  const weights = fresh(name, vision);
  const scales = [...weights].filter(([parameter]) => parameter.includes(".lambda_"));
  expect(scales.length).toBeGreaterThan(3);
  for (const [parameter, tensor] of scales)
    expect(new Set(tensor.toFloats()), parameter).toEqual(new Set([Math.fround(value)]));
  disposeAll(weights);
});

test.each(["qwen2_5_vl/tied", "internvl/tied", "internvl/normed"])(
  "%s: norms are 1, biases 0, matrices neither",
  (name) => {
    const weights = fresh(name, {});
    for (const [parameter, tensor] of weights) {
      if (parameter.includes(".lambda_")) continue;
      const values = new Set(tensor.toFloats());
      if (tensor.shape.length > 1) expect(values.size, parameter).toBeGreaterThan(1);
      else expect(values, parameter).toEqual(new Set([parameter.endsWith(".weight") ? 1 : 0]));
    }
    disposeAll(weights);
  },
);
