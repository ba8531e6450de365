/**
 * @file Weights for sampling, which reads each of them once a token: in the type of the computation, those of linear layers that read the
 * same input end to end, and on a processor those of the language model's linear layers laid out as products read them fastest.
 */
import { cat, pack } from "../torch/ops.ts";
import { type DType, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import type { Model } from "./model.ts";
import type { JoinedLayer, Weights } from "./weights.ts";

export interface SamplingWeights {
  readonly weights: Weights;
  /** Frees the copies. */
  close(): void;
}

/**
 * Makes the copies; `isTrained` says which parameters are. They outlive the scopes of passes, so this is called outside of every scope.
 */
export function openSamplingWeights(
  model: Model,
  masters: Weights,
  dtype: DType,
  isTrained: (name: string) => boolean,
): SamplingWeights {
  const { device } = masters;
  const typed = masters.compute(dtype);
  // An adapter changes each layer by itself.
  const siblings = masters.adaptation ? [] : joinedSiblings(model, device, dtype, isTrained);
  const joined = new Map(siblings.map((prefixes) => [prefixes[0]!, join(typed, prefixes)]));
  const isJoined = new Set(siblings.flat().map(weightOf));
  const packed = [...masters.entries()].flatMap(([name, { shape }]) =>
    isPacked(model, { name, shape }, device) && !isJoined.has(name) ? [name] : [],
  );
  const factors = new Map(packed.map((name) => [name, keep(noGrad(() => tidy(() => pack(typed.get(name)))))]));
  // Embeddings are looked up besides.
  const isPlain = (name: string) => !isJoined.has(name) && (!factors.has(name) || model.partOf(name) === "embeddings");
  const copies = noGrad(() => masters.compute(dtype, isPlain));
  return {
    weights: copies.laidOut({ factors, joined }),
    close: () => {
      const held = new Set([...masters.entries()].map(([, tensor]) => tensor));
      const made: Tensor[] = [...copies.entries()].flatMap(([, tensor]) => (held.has(tensor) ? [] : [tensor]));
      const layers = [...joined.values()].flatMap(({ weight, bias }) => (bias ? [weight, bias] : [weight]));
      for (const tensor of [...made, ...factors.values(), ...layers]) tensor.dispose();
    },
  };
}

const weightOf = (prefix: string) => `${prefix}.weight`;

/**
 * Which linear layers sampling computes as one: all that read the same input on a processor, which copies each weight anyway; on a GPU in
 * half precision those that are trained, whose masters are in float32, wherever these are: so all sample alike.
 */
export function joinedSiblings(
  { siblings }: Pick<Model, "siblings">,
  device: string,
  dtype: DType,
  isTrained: (name: string) => boolean,
): readonly (readonly string[])[] {
  if (device === "cpu") return siblings;
  return dtype === "float32" ? [] : siblings.filter((prefixes) => prefixes.map(weightOf).every(isTrained));
}

/** Linear layers as one. All have a bias, or none has. */
function join(typed: Weights, prefixes: readonly string[]): JoinedLayer {
  return noGrad(() =>
    tidy(() => {
      const ends = (kind: "weight" | "bias") => prefixes.map((prefix) => typed.get(`${prefix}.${kind}`));
      const weights = ends("weight");
      const bias = typed.has(`${prefixes[0]}.bias`) ? keep(cat(ends("bias"), 0)) : undefined;
      return { prefixes, weight: keep(pack(cat(weights, 0))), bias, widths: weights.map((weight) => weight.size(0)) };
    }),
  );
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
