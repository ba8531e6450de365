/**
 * @file Weights for sampling, which reads each of them once a token: in the type of the computation, and on a processor those of the
 * language model's linear layers laid out as products read them fastest.
 */
import { pack } from "../torch/ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type { Model } from "./model.ts";
import type { Weights } from "./weights.ts";

export interface SamplingWeights {
  readonly weights: Weights;
  /** Frees the copies. */
  close(): void;
}

/** Makes the copies. They outlive the scopes of passes, so this is called outside of every scope. */
export function openSamplingWeights(model: Model, masters: Weights, dtype: DType): SamplingWeights {
  const { device } = masters;
  const names = [...masters.entries()].flatMap(([name, { shape }]) =>
    isPacked(model, { name, shape }, device) ? [name] : [],
  );
  const typed = masters.compute(dtype);
  const packed = new Map(names.map((name) => [name, keep(noGrad(() => tidy(() => pack(typed.get(name)))))]));
  // Embeddings are looked up besides.
  const isPlain = (name: string) => !packed.has(name) || model.partOf(name) === "embeddings";
  const copies = noGrad(() => masters.compute(dtype, isPlain));
  return {
    weights: copies.packed(packed),
    close: () => {
      const held = new Set([...masters.entries()].map(([, tensor]) => tensor));
      const made: Tensor[] = [...copies.entries()].flatMap(([, tensor]) => (held.has(tensor) ? [] : [tensor]));
      for (const tensor of [...made, ...packed.values()]) tensor.dispose();
    },
  };
}

/** Whether sampling has a copy of a parameter that is laid out anew: a matrix of the language model or its head, but not of an adapter. */
export function isPacked(
  model: Pick<Model, "partOf">,
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  device: string,
): boolean {
  const part = model.partOf(name);
  const isWide = shape.length === 2 && !name.includes(".lora_");
  return device === "cpu" && isWide && (part === "language" || part === "embeddings");
}
