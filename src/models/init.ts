/** @file Fresh weights for a model trained from nothing. */

import { add_, floats, Generator, mul_, normal_, zeros } from "../torch/ops.ts";
import { keep, type Tensor, tidy } from "../torch/tensor.ts";
import type { Model } from "./model.ts";

/**
 * Norms 1, biases 0, layer scales and positions as the model says, embeddings N(0, 0.02²); every matrix N(0, 1/inputs),
 * those that write into the residual stream divided by √(2·layers), so that its size does not grow with depth.
 */
export function initialWeights(model: Model, seed: number): Map<string, Tensor> {
  using generator = new Generator(seed);
  const residual = /\.(o_proj|down_proj|proj)\.weight$/;
  return new Map(
    [...model.parameterShapes()].map(([name, shape]) => {
      const prescribed =
        model.initialValue(name) ?? (shape.length === 1 ? Number(name.endsWith(".weight")) : undefined);
      const tensor = keep(zeros(shape));
      if (prescribed !== undefined) tidy(() => void add_(tensor, valuesOf(prescribed, shape)));
      else {
        const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
        const embedding = model.partOf(name) === "embeddings";
        normal_(tensor, 0, embedding ? 0.02 : inputs ** -0.5, generator);
        if (residual.test(name) && !name.includes("patch_embed")) mul_(tensor, (2 * model.shape.layers) ** -0.5);
      }
      return [name, tensor];
    }),
  );
}

function valuesOf(prescribed: number | readonly number[], shape: readonly number[]): Tensor {
  return typeof prescribed === "number" ? floats([prescribed], []) : floats(prescribed, shape);
}
