/** @file A chooser that is a model in our engine: it takes the likelier reply, so it always replies. */
import type { Engine } from "../engine/engine.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Cancellable } from "../util/interruptible.ts";
import type { Chooser } from "./correlation.ts";

/** Compares the log-probabilities of "Image 0" and "Image 1"; equal ones are unscored. */
export function localChooser(
  name: string,
  engine: Pick<Engine, "score">,
  processor: Processor,
  options: Cancellable = {},
): Chooser {
  const completions = ["Image 0", "Image 1"].map((reply) => processor.tokenizer.encode(reply));
  return {
    name,
    async choose(text, images) {
      const prompt = await processor.promptFrom({ images, text });
      const [scored] = await engine.score("policy", [{ prompt, completions }], options);
      const [first, second] = scored!.map((logprobs) => logprobs.reduce((sum, logprob) => sum + logprob)) as [
        number,
        number,
      ];
      if (first === second) return { unscored: "both replies are equally likely" };
      return first > second ? 0 : 1;
    },
  };
}
