/** @file Gives a program the boxes of a completion. */
import { box } from "../boxes.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Box, Chain, Completion, Prompt } from "../records.ts";
import { chainOf } from "./chain-of.ts";

/** A row that `grit generate` wrote, or an answer of `evaluate`: boxes as [x1, y1, x2, y2] in pixels of the stored image. */
export interface RowWithBoxes {
  readonly boxes: readonly (readonly number[] | { readonly box: readonly number[] })[];
}

/**
 * The boxes of a chain, a rollout or a written row, in pixels of the stored image, in the order of the text; also those that
 * are repeated, cover nothing or leave the image (`chain.boxes` names these flaws).
 */
export function boxesOf(said: Chain | { readonly chain: Chain } | RowWithBoxes): Box<"image">[];
/** The same for a completion, or its text, that answers `prompt`; `engine` knows the space in which its model writes boxes. */
export function boxesOf(
  said: Completion | string,
  prompt: Prompt,
  engine: { readonly processor: Processor },
): Box<"image">[];
export function boxesOf(
  said: Chain | { readonly chain: Chain } | RowWithBoxes | Completion | string,
  prompt?: Prompt,
  engine?: { readonly processor: Processor },
): Box<"image">[] {
  if (prompt && engine) {
    const text = typeof said === "string" ? said : (said as Completion).text;
    return boxesOf(chainOf(engine.processor, prompt, text));
  }
  const { boxes } = typeof said === "object" && "chain" in said ? said.chain : (said as Chain | RowWithBoxes);
  return boxes.map((each) => {
    const edges = "box" in each ? each.box : each;
    return "space" in edges ? edges : box("image", edges[0]!, edges[1]!, edges[2]!, edges[3]!);
  });
}
