/**
 * @file A chain of stages, each a function of what the one before made, and its gradient, stage by stage: through graphs that are kept,
 * or with each stage run again (activation checkpointing), which keeps one activation a stage instead of dozens.
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
  /** Told of each stage whose gradient is complete, the last one first. */
  readonly passed?: () => void;
}

/** `runStages`, ready for its gradient. Each stage has a graph of its own, so that it can be done with before the one below. */
export function passThrough({ first, rest }: Stages, { checkpointing, trained, passed }: PassOptions): Pass {
  if (!trained.stages && !trained.inputs) return { out: noGrad(() => runStages({ first, rest })), backward: () => {} };
  const begun = tidy(first);
  // What goes into each stage, and what comes out of it where its graph is kept.
  const inputs = [detach(begun)];
  const outputs: Tensor[] = [];
  const graph = (stage: Stages["rest"][number], x: Tensor) => tidy(() => stage(x.requiresGrad()));
  for (const stage of rest) {
    const x = inputs.at(-1)!;
    if (checkpointing) inputs.push(noGrad(() => tidy(() => stage(x))));
    else {
      outputs.push(graph(stage, x));
      inputs.push(detach(outputs.at(-1)!));
    }
  }
  const out = inputs.pop()!;
  /** The gradient of what goes into a stage from that of what comes out. */
  const back = (stage: Stages["rest"][number], gradient: Tensor): Tensor => {
    using x = inputs.pop()!;
    // What a stage makes on its way and its gradient does not need is gone before that is computed.
    using y = outputs.pop() ?? graph(stage, x);
    y.backward(gradient);
    return x.grad()!;
  };
  return {
    out,
    backward(gradient) {
      let arriving = gradient;
      // A stage's input is freed with the stage's gradient: only one of the gradients on the way is held at a time.
      for (const stage of rest.toReversed()) {
        const below = back(stage, arriving);
        if (arriving !== gradient) arriving.dispose();
        arriving = below;
        passed?.();
      }
      if (trained.inputs) begun.backward(arriving);
      arriving.dispose();
    },
  };
}
