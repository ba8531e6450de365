import { join } from "node:path";
import { expect, test } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { scratchPlaces } from "../../test/tiny.ts";
import { readModel } from "../models/architectures.ts";
import { mul } from "../torch/ops.ts";
import { liveTensors, tidy } from "../torch/tensor.ts";
import { averageCheckpoints } from "./average.ts";
import { differences } from "./compare-checkpoints.ts";
import { readWeights, writeWeights } from "./weights-io.ts";

const place = scratchPlaces();

/** A copy of a golden checkpoint with every parameter so many times as large. */
function scaled(dir: string, factor: number): string {
  const out = place();
  averageCheckpoints([dir], out);
  const model = readModel(dir);
  const { parameters, layout } = readWeights(dir, model, DEVICE);
  tidy(() => writeWeights(out, model, parameters, layout, (_, tensor) => mul(tensor, factor)));
  for (const tensor of parameters.values()) tensor.dispose();
  return out;
}

test("the mean of a model and of three times that model is twice that model, in the same files", () => {
  const { dir } = loadGolden("qwen2_5_vl/sharded");
  const before = liveTensors();
  const out = place();
  averageCheckpoints([dir, scaled(dir, 3)], out);
  expect(differences(readModel(dir), scaled(dir, 2), out)).toEqual([]);
  expect(differences(readModel(dir), dir, out)).not.toEqual([]);
  expect(liveTensors()).toEqual(before);
});

test("another architecture is refused", () => {
  const [a, b] = ["qwen2_5_vl/deep", "qwen2_5_vl/tied"].map((name) => loadGolden(name).dir);
  expect(() => averageCheckpoints([a!, b!], join(place(), "out"))).toThrow(/is not a parameter|missing|shape/);
});
