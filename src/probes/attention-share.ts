/**
 * @file Measures how much the rethink attends to the image, with and without the boxes before it (paper, figure 5).
 * The chain is cut at `<rethink>`, and the model continues it once as it is and once with its boxes deleted, or with others.
 */

import type { Engine } from "../engine/engine.ts";
import { type PairedGain, pairedGain } from "../evaluation/statistics.ts";
import type { Chain, Prompt } from "../records.ts";
import { mean } from "../util/arrays.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { boxedThought, type ThoughtVariant } from "./boxed-thought.ts";

/** Attention to some tokens, [layer][written token] in [0, 1]: mean over the heads. */
export type TokenAttention = readonly (readonly number[])[];

/** Where a rethink looks: at the image, and at what stands for the boxes of the thought before it. */
export interface Looks {
  readonly image: TokenAttention;
  readonly boxes: TokenAttention;
  /** How many tokens stand before the rethink: the image's, those of the boxes, and all. */
  readonly tokens: { readonly image: number; readonly boxes: number; readonly all: number };
}

/** Attention to the image by one chain's two rethinks, cut to one length, since it falls with the length of a text. */
export interface RethinkAttention {
  readonly withBoxes: TokenAttention;
  readonly withoutBoxes: TokenAttention;
}

/** Means over chains. */
export interface AttentionCurves {
  /** Mean over layers, for the chains whose rethinks are that long: figure 5. */
  readonly byToken: readonly number[];
  /** Mean over tokens. */
  readonly byLayer: readonly number[];
}

export interface AttentionSummary {
  readonly withBoxes: AttentionCurves;
  readonly withoutBoxes: AttentionCurves;
  /** How much more attention a rethink pays with boxes: its mean over layers and tokens, paired by chain. */
  readonly gain: PairedGain;
}

/**
 * Lets the model rethink each chain greedily for `tokens` tokens, after each variant of its thinking, and observes all of them, cut to
 * the length of the shortest. Undefined for a chain without a `<rethink>`, or without a box before it. The paper observes 50.
 */
export async function rethinkAttention<Name extends string>(
  engine: Pick<Engine, "processor" | "sample" | "attentionTo">,
  chains: readonly { readonly prompt: Prompt; readonly chain: Chain }[],
  variants: Readonly<Record<Name, ThoughtVariant>>,
  { stop, tokens, signal }: Cancellable & { readonly stop: readonly string[]; readonly tokens: number },
): Promise<(Record<Name, Looks> | undefined)[]> {
  const { tokenizer, imageTokenId } = engine.processor;
  const names = Object.keys(variants) as Name[];
  const thoughts = chains.flatMap(({ prompt, chain }, i) => {
    const thought = boxedThought(chain);
    return thought ? [{ i, prompt, thought }] : [];
  });
  const laid = thoughts.flatMap(({ prompt, thought }, t) => {
    const other = thoughts[(t + 1) % thoughts.length]!.thought;
    return names.map((name) => {
      const { ids, boxes } = variants[name](thought, other, tokenizer);
      const image = prompt.ids.flatMap((id, place) => (id === imageTokenId ? [place] : []));
      const places = [image, boxes.map((place) => prompt.ids.length + place)];
      return { prompt: { ...prompt, ids: [...prompt.ids, ...ids] }, places };
    });
  });
  const options = { n: 1, maxTokens: tokens, temperature: 0, seed: 0, stop, signal };
  const completions = await engine.sample(
    laid.map(({ prompt }) => prompt),
    options,
  );
  const out: (Record<Name, Looks> | undefined)[] = chains.map(() => undefined);
  for (const [t, { i }] of thoughts.entries()) {
    const at = names.map((_, v) => t * names.length + v);
    const written = at.map((k) => completions[k]![0]!.ids);
    const length = Math.min(...written.map((ids) => ids.length));
    const looks = at.map(async (k, v) => {
      const { prompt, places } = laid[k]!;
      const [image, boxes] = await engine.attentionTo(places, prompt, written[v]!.slice(0, length), { signal });
      const tokens = { image: places[0]!.length, boxes: places[1]!.length, all: prompt.ids.length };
      return [names[v]!, { image: image!, boxes: boxes!, tokens }] as const;
    });
    out[i] = Object.fromEntries<Looks>(await Promise.all(looks)) as Record<Name, Looks>;
  }
  return out;
}

/** Summarizes the rethinks of some chains. @throws Error without any */
export function attentionSummary(observed: readonly RethinkAttention[]): AttentionSummary {
  const [having, lacking] = [observed.map((each) => each.withBoxes), observed.map((each) => each.withoutBoxes)];
  const overall = (attentions: readonly TokenAttention[]) => attentions.map((layers) => mean(layers.map(mean)));
  return {
    withBoxes: curves(having),
    withoutBoxes: curves(lacking),
    gain: pairedGain(overall(lacking), overall(having)),
  };
}

function curves(attentions: readonly TokenAttention[]): AttentionCurves {
  const longest = Math.max(...attentions.map((layers) => layers[0]!.length));
  return {
    byToken: Array.from({ length: longest }, (_, token) =>
      mean(
        attentions
          .filter((layers) => layers[0]!.length > token)
          .map((layers) => mean(layers.map((tokens) => tokens[token]!))),
      ),
    ),
    byLayer: attentions[0]!.map((_, layer) => mean(attentions.map((layers) => mean(layers[layer]!)))),
  };
}
