/** @file A completion as a chain: what it says, with its boxes brought to the image that its prompt showed. */
import type { Processor } from "../prompt/prompt.ts";
import type { Chain, Prompt } from "../records.ts";
import { parseChain } from "./parse.ts";

/** The chain in a completion, its boxes brought to the image by the prompt's recorded resize. */
export function chainOf(processor: Processor, prompt: Prompt, text: string): Chain {
  const image = prompt.images[0];
  if (!image) throw new Error("A chain's boxes need an image.");
  return parseChain(text, { space: processor.boxSpace, frame: image.frame });
}

/** The boxes of a chain as files hold them: image pixels, place in the text, flaws. */
export function boxLines(chain: Chain) {
  return chain.boxes.map(({ box, start, end, duplicate, degenerate, outOfBounds }) => ({
    box: [box.x1, box.y1, box.x2, box.y2].map((value) => Math.round(value * 10) / 10),
    start,
    end,
    duplicate,
    degenerate,
    outOfBounds,
  }));
}
