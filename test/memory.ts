/** @file What the tests of the memory forecast share: models wide enough, and the peak of a step beside what was foretold. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { singleFile, writeWeights } from "../src/checkpoint/weights-io.ts";
import type { EngineOptions } from "../src/engine/engine.ts";
import { LocalEngine } from "../src/engine/local.ts";
import { readModel } from "../src/models/architectures.ts";
import { initialWeights } from "../src/models/init.ts";
import type { Prompt } from "../src/records.ts";
import { native } from "../src/torch/native.ts";
import { disposeAll } from "../src/torch/tensor.ts";
import { loadGolden } from "./golden/golden.ts";
import { processOf } from "./process-of.ts";
import { GRPO, promptOf, STEP, scratch } from "./tiny.ts";

const base = scratch();
const families = ["qwen2_5_vl/tied", "internvl/tied"] as const;
type Family = (typeof families)[number];
const configOf = (dir: string) =>
  JSON.parse(readFileSync(join(dir, "config.json"), "utf8")) as {
    image_token_id: number;
    text_config: object;
    vision_config: object;
  };

/** Models wide and deep enough for their activations to outweigh everything that is counted per tensor. */
beforeAll(() => {
  for (const name of families) {
    const [from, to] = [loadGolden(name).dir, join(base, name)];
    cpSync(from, to, { recursive: true });
    const config = configOf(from);
    const tower = name === "internvl/tied" ? INTERN_TOWER : QWEN_TOWER;
    const wider = {
      ...config,
      text_config: {
        ...config.text_config,
        ...{ hidden_size: 192, intermediate_size: 640, num_attention_heads: 12, num_key_value_heads: 4 },
        ...{ num_hidden_layers: 8, vocab_size: 6000 },
      },
      vision_config: { ...config.vision_config, ...tower },
    };
    writeFileSync(join(to, "config.json"), JSON.stringify(wider));
    const model = readModel(to);
    const weights = initialWeights(model, 1);
    writeWeights(to, model, weights, singleFile(model.parameterShapes(), "bfloat16"));
    disposeAll(weights);
  }
});
const QWEN_TOWER = { hidden_size: 96, intermediate_size: 160, num_heads: 8, depth: 4, out_hidden_size: 192 };
const INTERN_TOWER = { hidden_size: 96, intermediate_size: 384, num_attention_heads: 8, num_hidden_layers: 4 };

/** A step: its prompts, patches and words of each, and the tokens of a prompt's completions. */
export interface Mix {
  readonly prompts: number;
  readonly patches: number;
  readonly words: number;
  readonly lengths: readonly number[];
  /** Tokens that may be sampled; 16 unless it is said. */
  readonly sampled?: number;
  /** Processes that train together, of which this is the first; 1 unless it is said. */
  readonly processes?: number;
}

/** A prompt with an image of its own, of so many patches. */
function promptWith(name: Family, { patches, words }: Mix, index: number): Prompt {
  const golden = loadGolden(name);
  const wide = promptOf(golden.prompts.find((prompt) => prompt.name === "wide")!);
  const token = configOf(golden.dir).image_token_id;
  const [image] = wide.images;
  const width = image!.pixels.length / image!.grid_thw.reduce((a, b) => a * b, 1);
  const grid_thw = name === "internvl/tied" ? ([patches / 16, 4, 4] as const) : ([1, patches / 16, 16] as const);
  const before = wide.ids.slice(0, wide.ids.indexOf(token));
  const placeholders = new Array<number>(patches / 4).fill(token);
  const after = Array.from({ length: words - before.length }, (_, i) => 5 + i);
  const pixels = new Float32Array(patches * width);
  return {
    ids: [...before, ...placeholders, ...after],
    images: [{ ...image!, sha256: String(index), grid_thw, pixels }],
  };
}

/** Bytes at the peak of one whole step, as foretold and as the allocators counted. */
async function measure(name: Family, mix: Mix, options: EngineOptions): Promise<{ foretold: number; counted: number }> {
  native.meter(true);
  const { sampled = 16, lengths, processes = 1 } = mix;
  const engine = new LocalEngine(
    join(base, name),
    { device: "cpu", precision: "float32", training: true, ...options },
    processes > 1 ? processOf(0, processes, { device: "cpu" }) : undefined,
  );
  try {
    const prompts = Array.from({ length: mix.prompts }, (_, i) => promptWith(name, mix, i));
    const trees = prompts.map(({ ids }) => ({ promptTokens: ids.length, patches: mix.patches, branches: lengths }));
    const foretold = engine.forecast.step(trees, sampled, 8e9).peak;
    await engine.sample(prompts, { n: lengths.length, maxTokens: sampled, temperature: 1, seed: 1 });
    const completions = lengths.map((length) => Array.from({ length }, (_, t) => (t * 7) % 250));
    const asked = prompts.map((prompt) => ({ prompt, completions }));
    const reference = options.reference ? engine.score("reference", asked) : undefined;
    const groups = prompts.map((prompt, p) => ({
      prompt,
      items: completions.map((ids, i) => ({
        ids,
        advantage: i - 1,
        oldLogprobs: ids.map(() => -1),
        ...(reference && { referenceLogprobs: reference[p]![i]! }),
      })),
    }));
    engine.forwardBackward(groups, { ...GRPO, form: "clipped", beta: 0.1 });
    engine.step(STEP);
    return { foretold, counted: native.metered()[1] };
  } finally {
    engine.dispose();
    native.meter(false);
  }
}

/** Holds whole steps to their forecast, for both families: at most 10 % too much is foretold, and at most 3 % too little. */
export function describeMemory(cases: readonly (readonly [string, EngineOptions, Mix])[]): void {
  describe.each(families)("the memory of a step of %s", (name) => {
    it.each(cases)("is as foretold: %s", async (_, options, mix) => {
      const { foretold, counted } = await measure(name, mix, options);
      expect(foretold / counted).toBeGreaterThan(0.97);
      expect(foretold / counted).toBeLessThan(1.1);
    });
  });
}
