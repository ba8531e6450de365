/**
 * @file The language model's forward pass, and the two ways its gradient is computed: through one graph, or layer by
 * layer with every layer run again (activation checkpointing), which keeps one activation a layer instead of dozens.
 */
import { detach } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type { Attention, Model, Rotation, TokenInput } from "./model.ts";
import type { Weights } from "./weights.ts";

/** Final hidden states [T, D]. */
export function forward(model: Model, weights: Weights, input: TokenInput, attention: Attention): Tensor {
  const turn = model.rotation(weights, input.positions);
  return throughLayers(model, weights, model.embedPack(weights, input.ids, input.features_MD), turn, attention);
}

/** Embeddings [T, D], which are freed, through all layers: final hidden states [T, D]. */
export function throughLayers(
  model: Model,
  weights: Weights,
  embedded_TD: Tensor,
  turn: Rotation,
  attention: Attention,
): Tensor {
  let x_TD = embedded_TD;
  for (let i = 0; i < model.shape.layers; i++) {
    // What a layer makes on its way lives on only where a gradient will ask for it.
    const next_TD = tidy(() => model.layer(weights, i, x_TD, turn, attention));
    x_TD.dispose();
    x_TD = next_TD;
  }
  return model.finish(weights, x_TD);
}

/** A forward pass that is to be differentiated. */
export interface Pass {
  readonly hidden_TD: Tensor;
  /** Adds to the gradients of the parameters; `gradient_TD` is that of `hidden_TD`. */
  backward(gradient_TD: Tensor): void;
}

export interface PassOptions {
  /** Each layer's graph lives only while its gradient is computed. */
  readonly checkpointing: boolean;
  /** Whether any layer is trained, and whether anything below the first (embeddings, vision). */
  readonly trained: { readonly layers: boolean; readonly inputs: boolean };
}

/** `forward`, ready for its gradient. */
export function forwardPass(
  model: Model,
  weights: Weights,
  input: TokenInput,
  attention: Attention,
  { checkpointing, trained }: PassOptions,
): Pass {
  if (!trained.layers && !trained.inputs)
    return { hidden_TD: noGrad(() => forward(model, weights, input, attention)), backward: () => {} };
  if (!checkpointing) {
    const hidden_TD = forward(model, weights, input, attention);
    return { hidden_TD, backward: (gradient) => hidden_TD.backward(gradient) };
  }
  const { layers } = model.shape;
  const turn = model.rotation(weights, input.positions);
  const embedded_TD = model.embedPack(weights, input.ids, input.features_MD);
  // What goes into each layer and, last, into the final norm.
  const inputs = [detach(embedded_TD)];
  noGrad(() => {
    for (let i = 0; i < layers; i++) inputs.push(tidy(() => model.layer(weights, i, inputs[i]!, turn, attention)));
  });
  /** Runs a piece again from its stored input, with a graph: the gradient of its output to that of its input. */
  const through = (index: number, run: (x: Tensor) => Tensor, gradient: Tensor): Tensor =>
    tidy(() => {
      const x = inputs[index]!.requiresGrad();
      run(x).backward(gradient);
      return x.grad()!;
    });
  return {
    hidden_TD: noGrad(() => model.finish(weights, inputs[layers]!)),
    backward(gradient_TD) {
      let gradient = through(layers, (x) => model.finish(weights, x), gradient_TD);
      for (let i = layers - 1; i >= 0; i--) {
        gradient = through(i, (x) => model.layer(weights, i, x, turn, attention), gradient);
      }
      if (trained.inputs) embedded_TD.backward(gradient);
    },
  };
}
