/** @file Parses a completion into a chain, with its boxes converted to pixels of the stored image. */
import type { Processor } from "../prompt/prompt.ts";
import type { Chain, Prompt } from "../records.ts";
import { parseChain } from "./parse.ts";

/** The chain in a completion, its boxes converted to image pixels by the prompt's recorded resize. */
export function chainOf(processor: Processor, prompt: Prompt, text: string): Chain {
  const image = prompt.images[0];
  if (!image) throw new Error("A chain's boxes need an image.");
  return parseChain(text, { space: processor.boxSpace, frame: image.frame });
}

/** The boxes of a chain as files hold them: image pixels, place in the text, flaws. */
export function boxLines(chain: Pick<Chain, "boxes">) {
  const tenths = (value: number) => Math.round(value * 10) / 10;
  return chain.boxes.map(({ box, start, end, duplicate, degenerate, outOfBounds }) => ({
    box: [tenths(box.x1), tenths(box.y1), tenths(box.x2), tenths(box.y2)] as [number, number, number, number],
    start,
    end,
    duplicate,
    degenerate,
    outOfBounds,
  }));
}
