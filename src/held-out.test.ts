import { beforeAll, describe, expect, it } from "vitest";
import { checkpointDir } from "../test/commands.ts";
import { writeTrainingData } from "../test/e2e/processes.ts";
import { scratchPlaces } from "../test/tiny.ts";
import type { Recipe } from "./config/recipe.ts";
import { loadSamples } from "./data/samples.ts";
import { solo, type Team } from "./distributed/team.ts";
import type { Engine, SampleOptions } from "./engine/engine.ts";
import type { AskedSet } from "./evaluation/ask.ts";
import { HeldOut } from "./held-out.ts";
import { exactJudge } from "./judge/exact.ts";
import { Processor } from "./prompt/prompt.ts";
import type { Prompt } from "./records.ts";
import type { Answered, Metrics } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { deferred } from "./util/deferred.ts";

const place = scratchPlaces();
const processor = Processor.load(checkpointDir("tied"));
const recipe = {
  ...{ method: "direct", seed: 1, steps: 4 },
  ...{ sampling: { max_tokens: 8 }, eval: { every: 2 } },
} as unknown as Recipe;
let sets: AskedSet[];

beforeAll(async () => {
  const dir = place();
  await writeTrainingData(dir);
  const samples = await loadSamples([`${dir}/train.jsonl`]);
  const named = (name: string, from: number, to: number) => ({
    name,
    samples: samples.slice(from, to).map((sample) => ({ ...sample, id: `${name}-${sample.id}` })),
  });
  sets = [named("large", 0, 5), named("small", 0, 2), named("middle", 2, 5)];
});

/** Members that hear each other as over a wire. */
function teamOf(size: number): Team[] {
  const said: unknown[] = [];
  const all = deferred<void>();
  return Array.from({ length: size }, (_, rank) => ({
    ...solo,
    ...{ rank, size, leads: rank === 0 },
    gather: async <T>(mine: T) => {
      said[rank] = structuredClone(mine);
      if (Object.keys(said).length === size) all.resolve();
      await all.promise;
      return said as T[];
    },
  }));
}

/** Asks the sets after step 2 in a team of that size; who was asked how much, and what the first has written. */
async function asked(size: number, past: readonly Metrics[] = []) {
  const counts: number[] = [];
  const written: { answers: Answered[]; metrics: object[] } = { answers: [], metrics: [] };
  const run = {
    writeLines: (_: string, lines: Answered[]) => written.answers.push(...lines),
    amendMetrics: (more: object) => written.metrics.push(more),
  } as unknown as RunFolder;
  await Promise.all(
    teamOf(size).map(async (team) => {
      const sample = async (prompts: readonly Prompt[], { seed }: SampleOptions) => {
        counts[team.rank] = (counts[team.rank] ?? 0) + prompts.length;
        return prompts.map(({ ids }, i) => [
          { ids: [1, 2], logprobs: [0, 0], text: `${ids.length} ${(seed as number[])[i]}`, ending: "stop" },
        ]);
      };
      const engine = { processor, sample } as unknown as Engine;
      const heldOut = new HeldOut(engine, recipe, run, sets, exactJudge, past, { onAnswered: undefined, team });
      if (past.length > 0) await heldOut.makeUp();
      else await heldOut.after(2);
    }),
  );
  return { counts, ...written };
}

describe("held-out sets", () => {
  it("are divided among those who train together, and answered as by one", async () => {
    const alone = await asked(1);
    expect(alone.counts).toEqual([10]);
    expect(alone.answers.map(({ set }) => set).join()).toMatch(/^(large,){5}(small,){2}middle,middle,middle$/);
    const two = await asked(2);
    expect(two.counts).toEqual([5, 5]);
    expect([two.answers, two.metrics]).toEqual([alone.answers, alone.metrics]);
    const four = await asked(4);
    expect(four.counts).toEqual([5, 3, 2]);
    expect([four.answers, four.metrics]).toEqual([alone.answers, alone.metrics]);
  });

  it("that a run was to ask after its last step are asked when it goes on, by all", async () => {
    const line = { step: 2 } as Metrics;
    expect((await asked(2, [line])).counts).toEqual([5, 5]);
    expect((await asked(2, [{ ...line, heldOut: {} }])).counts).toEqual([]);
    expect((await asked(2, [{ ...line, step: 3 }])).counts).toEqual([]);
  });
});
