/**
 * @file A chain of stages, each a function of what the one before made, and the two ways to its gradient: through one graph,
 * or stage by stage with each run again (activation checkpointing), which keeps one activation a stage instead of dozens.
 */
import { detach } from "../torch/ops.ts";
import { noGrad, type Tensor, tidy } from "../torch/tensor.ts";

/** What a network computes, cut where a single tensor is handed on: after each block of a tower or a language model. */
export interface Stages {
  /** Makes what goes into the first stage. */
  readonly first: () => Tensor;
  readonly rest: readonly ((x: Tensor) => Tensor)[];
}

/** What the last stage gives. What a stage makes on its way lives on only where a gradient will ask for it. */
export function runStages({ first, rest }: Stages): Tensor {
  return rest.reduce((x, stage) => {
    const next = tidy(() => stage(x));
    x.dispose();
    return next;
  }, tidy(first));
}

/** A computation that is to be differentiated. */
export interface Pass {
  readonly out: Tensor;
  /** Adds to the gradients of what is trained; `gradient` is that of `out`, and stays the caller's. Called once. */
  backward(gradient: Tensor): void;
}

export interface PassOptions {
  /** Each stage's graph lives only while its gradient is computed. */
  readonly checkpointing: boolean;
  /** Whether any stage is trained, and whether anything is that `first` takes. */
  readonly trained: { readonly stages: boolean; readonly inputs: boolean };
}

/** `runStages`, ready for its gradient. */
export function passThrough(stages: Stages, { checkpointing, trained }: PassOptions): Pass {
  if (!trained.stages && !trained.inputs) return { out: noGrad(() => runStages(stages)), backward: () => {} };
  if (!checkpointing) {
    const out = runStages(stages);
    return { out, backward: (gradient) => out.backward(gradient) };
  }
  const { first, rest } = stages;
  const begun = tidy(first);
  // What goes into each stage.
  const inputs = [detach(begun)];
  const out = noGrad(() => {
    for (const stage of rest.slice(0, -1)) inputs.push(tidy(() => stage(inputs.at(-1)!)));
    return tidy(() => rest.at(-1)!(inputs.at(-1)!));
  });
  return {
    out,
    backward(gradient) {
      let arriving = gradient;
      // A stage's input is freed with the stage's gradient: only one of the gradients on the way is held at a time.
      for (const stage of rest.toReversed()) {
        using x = inputs.pop()!.requiresGrad();
        // What the stage makes on its way and its gradient does not need is gone before that is computed.
        using y = tidy(() => stage(x));
        y.backward(arriving);
        if (arriving !== gradient) arriving.dispose();
        arriving = x.grad()!;
      }
      if (trained.inputs) begun.backward(arriving);
      arriving.dispose();
    },
  };
}
