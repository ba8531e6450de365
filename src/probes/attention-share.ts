/**
 * @file Measures how much the rethink attends to the image, with and without the boxes before it (paper, figure 5).
 * The chain is cut at `<rethink>`, and the model continues it once as it is and once with its boxes deleted.
 */

import type { Engine } from "../engine/engine.ts";
import { type PairedGain, pairedGain } from "../evaluation/statistics.ts";
import type { Chain, Prompt } from "../records.ts";
import { mean } from "../util/arrays.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { boxesRemoved, forcedPrefix, intact } from "./forced-prefix.ts";

/** Attention to the image, [layer][written token] in [0, 1]: mean over the heads. */
export type ImageAttention = readonly (readonly number[])[];

/** One chain's two rethinks, both cut to the shorter one's length, since attention to the image falls with the length of a text. */
export interface RethinkAttention {
  readonly withBoxes: ImageAttention;
  readonly withoutBoxes: ImageAttention;
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
 * Lets the model rethink each chain greedily for `tokens` tokens, after its thinking as it is and after its thinking without
 * boxes, and observes both. Undefined for a chain without a `<rethink>`, or without a box before it. The paper observes 50.
 */
export async function rethinkAttention(
  engine: Pick<Engine, "processor" | "sample" | "imageAttention">,
  chains: readonly { readonly prompt: Prompt; readonly chain: Chain }[],
  { stop, tokens, signal }: Cancellable & { readonly stop: readonly string[]; readonly tokens: number },
): Promise<(RethinkAttention | undefined)[]> {
  const pairs = chains.map(({ prompt, chain }) => {
    const texts = [intact, boxesRemoved].map((edit) => forcedPrefix(chain, "<rethink>", edit));
    const forced = texts.filter((text) => text !== undefined);
    const ids = forced.map((text) => [...prompt.ids, ...engine.processor.tokenizer.encode(text)]);
    return forced.length === 2 ? ids.map((each) => ({ ...prompt, ids: each })) : [];
  });
  const options = { n: 1, maxTokens: tokens, temperature: 0, seed: 0, stop, signal };
  const completions = await engine.sample(pairs.flat(), options);
  const written = completions.map(([completion]) => completion!.ids).values();
  const rethought = pairs.map(async (pair) => {
    const rethinks = pair.map((prompt) => ({ prompt, ids: written.next().value! }));
    const length = Math.min(...rethinks.map(({ ids }) => ids.length));
    const observed = rethinks.map(({ prompt, ids }) => engine.imageAttention(prompt, ids.slice(0, length), { signal }));
    const [withBoxes, withoutBoxes] = await Promise.all(observed);
    return withBoxes && withoutBoxes && { withBoxes, withoutBoxes };
  });
  return Promise.all(rethought);
}

/** Summarizes the rethinks of some chains. @throws Error without any */
export function attentionSummary(observed: readonly RethinkAttention[]): AttentionSummary {
  const [having, lacking] = [observed.map((each) => each.withBoxes), observed.map((each) => each.withoutBoxes)];
  const overall = (attentions: readonly ImageAttention[]) => attentions.map((layers) => mean(layers.map(mean)));
  return {
    withBoxes: curves(having),
    withoutBoxes: curves(lacking),
    gain: pairedGain(overall(lacking), overall(having)),
  };
}

function curves(attentions: readonly ImageAttention[]): AttentionCurves {
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
