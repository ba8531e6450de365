/** @file The two forward passes: images to features, and tokens, with those features among them, to hidden states. */
import type { ImageInput } from "../records.ts";
import { type Tensor, tidy } from "../torch/tensor.ts";
import type { Attention, Model, Rotation, TokenInput } from "./model.ts";
import { runStages, type Stages } from "./stages.ts";
import type { Weights } from "./weights.ts";

/** What the vision tower and the connector make of images, one after another: [M, D]. */
export function encodeImages(model: Model, weights: Weights, images: readonly ImageInput[]): Tensor {
  return tidy(() => runStages(model.imageStages(weights, images)));
}

/** Final hidden states [T, D]. */
export function forward(model: Model, weights: Weights, input: TokenInput, attention: Attention): Tensor {
  return runStages(languageStages(model, weights, input, attention));
}

/** Embeddings [T, D], which are freed, through all layers: final hidden states [T, D]. */
export function throughLayers(
  model: Model,
  weights: Weights,
  embedded_TD: Tensor,
  turn: Rotation,
  attention: Attention,
): Tensor {
  return runStages({ first: () => embedded_TD, rest: layerStages(model, weights, turn, attention) });
}

/** `forward` stage by stage: the layers, then the final norm. The rotation lives in the caller's scope. */
export function languageStages(model: Model, weights: Weights, input: TokenInput, attention: Attention): Stages {
  const turn = model.rotation(weights, input.positions);
  return {
    first: () => model.embedPack(weights, input.ids, input.features_MD),
    rest: layerStages(model, weights, turn, attention),
  };
}

function layerStages(model: Model, weights: Weights, turn: Rotation, attention: Attention): Stages["rest"] {
  const layers = Array.from(
    { length: model.shape.layers },
    (_, i) => (x_TD: Tensor) => model.layer(weights, i, x_TD, turn, attention),
  );
  return [...layers, (x_TD) => model.finish(weights, x_TD)];
}
