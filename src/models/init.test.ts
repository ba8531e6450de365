import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadGolden } from "../../test/golden/golden.ts";
import { scratch } from "../../test/tiny.ts";
import { disposeAll, type Tensor } from "../torch/tensor.ts";
import { readModel } from "./architectures.ts";
import { initialWeights } from "./init.ts";

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

test("positions of InternVL's patches begin as unlike each other as they are far apart; the class token has none", () => {
  const weights = fresh("internvl/tied", { image_size: [112, 112], patch_size: [14, 14], hidden_size: 32 });
  const table = weights.get("model.vision_tower.embeddings.position_embeddings")!;
  expect(table.shape).toEqual([1, 65, 32]);
  const values = Array.from(table.toFloats());
  const at = (row: number, column: number) => values.slice(32 * (1 + 8 * row + column)).slice(0, 32);
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, i) => value - b[i]!));
  expect(values.slice(0, 32)).toEqual(new Array(32).fill(0));
  for (const away of [1, 2, 3]) {
    const [across, down] = [distance(at(2, 2), at(2, 2 + away)), distance(at(2, 2), at(2 + away, 2))];
    expect(across).toBeCloseTo(down);
    expect(across).toBeCloseTo(distance(at(5, 1), at(5, 1 + away)), 5);
    expect(across).toBeGreaterThan(distance(at(2, 2), at(2, 1 + away)));
  }
  disposeAll(weights);
});
