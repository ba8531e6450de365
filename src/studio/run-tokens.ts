/** @file The tokens of chains: the tokenizer is that of the run's newest checkpoint, or else of the model it started from. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { modelFolder } from "../hub/resolve.ts";
import { checkpointsIn } from "../hub/run-checkpoints.ts";
import { TextStream } from "../prompt/text-stream.ts";
import { Tokenizer } from "../prompt/tokenizer.ts";
import { UserError } from "../util/errors.ts";
import { readRecipe } from "./run-entry.ts";
import type { ChainLine, ChainTokens } from "./studio-data.ts";

/** Reads the tokens of one run's chains. */
export class RunTokens {
  readonly #run: string;
  #tokenizer: Tokenizer | undefined;

  constructor(run: string) {
    this.#run = run;
  }

  /** Where the chain's tokens end in its text. @throws UserError when they cannot be told, with the reason */
  async of({ ids, logprobs, text }: ChainLine): Promise<ChainTokens> {
    if (!ids || !logprobs) {
      throw new UserError("This run has no log-probabilities.", "It was written by a version before 0.3.");
    }
    this.#tokenizer ??= await this.#load();
    const stream = new TextStream(this.#tokenizer);
    let written = "";
    const ends = ids.map((id) => {
      written += stream.push(id);
      return written.length;
    });
    if (!text.startsWith(written)) throw new UserError("The chain's tokens do not spell its text.");
    return { ends, logprobs };
  }

  async #load(): Promise<Tokenizer> {
    const { model } = await readRecipe(this.#run);
    const own = checkpointsIn(this.#run)
      .map(({ dir }) => dir)
      .reverse();
    for (const name of [...own, join(this.#run, "model"), ...(model === undefined ? [] : [model])]) {
      try {
        const folder = modelFolder(name);
        if (existsSync(join(folder, "tokenizer_config.json"))) return Tokenizer.load(folder);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }
    throw new UserError("The run's tokenizer is not on this machine.", "Keep a checkpoint in the run folder.");
  }
}
