import { expect, it } from "vitest";
import { checkpointDir } from "../test/commands.ts";
import { writeTrainingData } from "../test/e2e/processes.ts";
import { scratchPlaces } from "../test/tiny.ts";
import type { Recipe } from "./config/recipe.ts";
import { loadSamples } from "./data/samples.ts";
import { solo } from "./distributed/team.ts";
import type { Engine } from "./engine/engine.ts";
import { Processor } from "./prompt/prompt.ts";
import type { Prompt } from "./records.ts";
import { rollOut } from "./rollouts.ts";
import { Stopwatch } from "./util/stopwatch.ts";

const place = scratchPlaces();

it("a signal while the scores are gathered is for the next gathering: the others may be at the gradient already", async () => {
  const dir = place();
  await writeTrainingData(dir);
  const samples = (await loadSamples([`${dir}/train.jsonl`])).slice(0, 1);
  const recipe = {
    ...{ method: "direct", seed: 1, group_size: 2, sampling: { max_tokens: 8 } },
    ...{ advantage: "grpo", loss: { beta: 0 } },
  } as unknown as Recipe;
  const sample = async (prompts: readonly Prompt[]) =>
    prompts.map(() => ["a", "b"].map((text) => ({ ids: [1], logprobs: [0], text, ending: "stop" })));
  const engine = { processor: Processor.load(checkpointDir("tied")), sample } as unknown as Engine;
  const stop = new AbortController();
  const gathered: unknown[] = [];
  const team = {
    ...solo,
    gather: async <T>(mine: T) => {
      if (gathered.push(mine) === 2) stop.abort(new Error("stop"));
      await new Promise(setImmediate);
      return [mine];
    },
  };
  const rewards = [{ name: "even", weight: 1, score: () => 1 }];
  const rolled = rollOut(engine, rewards, samples, recipe, 1, { clock: new Stopwatch(), signal: stop.signal, team });
  expect((await rolled).own).toHaveLength(1);
  expect(gathered).toHaveLength(2);
});
