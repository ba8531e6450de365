import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { adapterDir, loadLora } from "../../test/golden/lora/golden.ts";
import { COMMIT } from "../../test/hub/fake.ts";
import {
  differing,
  gradientOf,
  largestGap,
  promptOf,
  relativeDistance,
  scratchPlaces,
  stateOf,
  tensorsIn,
} from "../../test/tiny.ts";
import { singleFile, writeWeights } from "../checkpoint/weights-io.ts";
import { readModel } from "../models/architectures.ts";
import { initialWeights } from "../models/init.ts";
import { SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";
import { disposeAll, liveTensors } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import type { EngineOptions } from "./engine.ts";
import { LocalEngine } from "./local.ts";
import type { LoraOptions } from "./policy.ts";

const place = scratchPlaces();

const lora: LoraOptions = { rank: 3, alpha: 6, dropout: 0, targets: "all-linear", parts: ["language"], seed: 4 };
const STEP = { lr: 1e-2, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 } as const;
const NLL = { kind: "nll" } as const;

/** The recorded prompts of a checkpoint, each with its completion to learn. */
const groupsOf = (name: string) =>
  loadGolden(name).prompts.map((prompt) => ({
    prompt: promptOf(prompt),
    items: [{ ids: prompt.completion_ids, advantage: 0 }],
  }));
type Groups = ReturnType<typeof groupsOf>;
const askedOf = (groups: Groups) =>
  groups.map(({ prompt, items }) => ({ prompt, completions: items.map(({ ids }) => ids) }));
const groups = groupsOf("tied");
const asked = askedOf(groups);

function withEngine<T>(folder: string, options: EngineOptions, use: (engine: LocalEngine) => T): T {
  const engine = new LocalEngine(folder, { device: DEVICE, precision: "float32", ...options });
  try {
    return use(engine);
  } finally {
    engine.dispose();
  }
}
const tied = loadGolden("tied").dir;
const move = (engine: LocalEngine, steps = 1, learned: Groups = groups) => {
  for (let i = 0; i < steps; i++) {
    engine.forwardBackward(learned, NLL);
    engine.step(STEP);
  }
};

describe("an adapter made by PEFT", () => {
  const recorded = loadLora();
  const golden = loadGolden("released");
  const items = groupsOf("released");
  /** The same without dropout, which would be random. */
  const still = place();
  cpSync(adapterDir, still, { recursive: true });
  const config = readFileSync(join(still, "adapter_config.json"), "utf8");
  writeFileSync(join(still, "adapter_config.json"), config.replace(/"lora_dropout": [\d.]+/, '"lora_dropout": 0'));

  it("gives the log-probabilities that PEFT computes", () =>
    withEngine(adapterDir, {}, (engine) => {
      const scored = engine.score(
        "policy",
        items.map(({ prompt, items }) => ({ prompt, completions: items.map(({ ids }) => ids) })),
      );
      const wanted = golden.prompts.map(({ name }) => [recorded.logprobs[name]!]);
      expect(largestGap(scored, wanted)).toBeLessThan(1e-4);
    }));

  it.each([false, true])("gives its gradients; layers run again: %s", (activationCheckpointing) =>
    withEngine(still, { activationCheckpointing }, (engine) => {
      expect(engine.forwardBackward(items, NLL).metrics.loss).toBeCloseTo(recorded.loss, 4);
      const gradient = gradientOf(engine, place());
      expect([...gradient.keys()].sort()).toEqual(Object.keys(recorded.gradients).sort());
      for (const [name, { norm, samples }] of Object.entries(recorded.gradients)) {
        const values = gradient.get(name)!;
        expect(Math.abs(Math.sqrt(values.reduce((a, b) => a + b * b, 0)) - norm), name).toBeLessThan(
          1e-4 * norm + 1e-6,
        );
        for (const [k, sample] of samples.entries())
          expect(Math.abs(values[Math.floor((k * values.length) / 8)]! - sample), name).toBeLessThan(
            1e-4 * norm + 1e-6,
          );
      }
    }),
  );
});

describe("a new adapter", () => {
  it("begins as the base, which is the reference without a second copy", () => {
    const before = liveTensors().bytes;
    const alone = withEngine(tied, { lora }, () => liveTensors().bytes - before);
    withEngine(tied, { lora, reference: true }, (engine) => {
      expect(liveTensors().bytes - before).toBe(alone);
      const base = engine.score("reference", asked);
      expect(engine.score("policy", asked)).toEqual(base);
      move(engine, 3);
      expect(largestGap(engine.score("policy", asked), base)).toBeGreaterThan(1e-2);
      expect(engine.score("reference", asked)).toEqual(base);
    });
  });

  it("is all that is trained", () =>
    withEngine(tied, { lora: { ...lora, parts: ["language", "vision"] } }, (engine) => {
      expect(engine.still).toEqual(["vision", "language"]);
      const { total, trainable } = engine.describe().parameters.get("connector")!;
      expect([trainable, total > 0]).toEqual([0, true]);
      const before = stateOf(engine, place());
      for (const name of before.keys()) expect(name).toMatch(/\.lora_[AB]\.weight(\.mean|\.square)?$/);
      move(engine, 2);
      expect(engine.still).toEqual([]);
      const after = stateOf(engine, place());
      expect(differing(after, before).sort()).toEqual([...before.keys()].sort());
    }));

  it("in bfloat16 holds the frozen base in bfloat16, as it is stored", () => {
    const { dir: folder } = loadGolden("released");
    const bytes = (precision: "float32" | "bfloat16") =>
      withEngine(folder, { lora, precision }, (engine) => {
        const { weights } = engine.memory({ prompts: 1, completions: 1, promptTokens: 9, patches: 0, maxTokens: 9 });
        return weights;
      });
    expect(bytes("bfloat16")).toBeLessThan(0.6 * bytes("float32"));
  });
});

// A checkpoint of each layout; the original's names queries, keys and values as one module.
describe.each([
  ["qwen2_5_vl/tied", "base_model.model.model.visual.blocks.0.attn.qkv.lora_B.weight"],
  ["internvl/sharded", "base_model.model.model.vision_tower.encoder.layer.0.attention.q_proj.lora_B.weight"],
  ["internvl/normed", "base_model.model.vision_model.encoder.layers.0.attn.qkv.lora_B.weight"],
])("an adapter on %s", (name, tower) => {
  const { dir: base } = loadGolden(name);
  const learned = groupsOf(name);
  const wanted = askedOf(learned);
  const whole = { ...lora, parts: ["language", "vision", "connector"] } as const;

  it("begins as the base; what it then samples is what it scores", async () => {
    const engine = new LocalEngine(base, { device: DEVICE, precision: "float32", lora: whole, reference: true });
    const before = engine.score("reference", wanted);
    expect(engine.score("policy", wanted)).toEqual(before);
    move(engine, 2, learned);
    expect(engine.still).toEqual([]);
    expect(largestGap(engine.score("policy", wanted), before)).toBeGreaterThan(1e-2);
    expect(engine.score("reference", wanted)).toEqual(before);
    const prompts = learned.map(({ prompt }) => prompt);
    const sampled = await engine.sample(prompts, { n: 2, maxTokens: 10, temperature: 1, seed: 6 });
    const scored = engine.score(
      "policy",
      prompts.map((prompt, g) => ({ prompt, completions: sampled[g]!.map(({ ids }) => ids) })),
    );
    const logprobs = sampled.map((group) => group.map(({ logprobs }) => logprobs));
    engine.dispose();
    expect(largestGap(scored, logprobs)).toBeLessThan(1e-4);
  });

  it("says the same when it is saved and opened, and when it is merged; saved and loaded, it goes on bit for bit", () =>
    withEngine(base, { lora: whole }, (engine) => {
      move(engine, 2, learned);
      const [adapter, merged, state] = [place(), place(), place()];
      engine.export(adapter);
      engine.export(merged, { merge: true });
      engine.save(state);
      expect([...tensorsIn(join(adapter, "adapter_model.safetensors")).keys()]).toContain(tower);
      const now = engine.score("policy", wanted);
      withEngine(adapter, {}, (again) => expect(again.score("policy", wanted)).toEqual(now));
      expect(readdirSync(merged).sort()).toEqual(readdirSync(base).sort());
      withEngine(merged, {}, (again) => expect(largestGap(again.score("policy", wanted), now)).toBeLessThan(1e-4));
      move(engine, 1, learned);
      withEngine(base, { lora: whole }, (again) => {
        again.load(state);
        move(again, 1, learned);
        expect(differing(stateOf(again, place()), stateOf(engine, place()))).toEqual([]);
      });
    }));
});

describe("an adapter whose base is named by a hub id", () => {
  const cache = place();
  const repo = join(cache, "models--org--tiny");
  cpSync(tied, join(repo, "snapshots", COMMIT), { recursive: true });
  mkdirSync(join(repo, "refs"));
  writeFileSync(join(repo, "refs", "main"), COMMIT);
  beforeEach(() => {
    vi.stubEnv("HF_HUB_CACHE", cache);
    return () => vi.unstubAllEnvs();
  });

  const named = (base: object) => {
    const folder = place();
    const scored = withEngine(tied, { lora }, (engine) => {
      move(engine);
      engine.export(folder);
      return engine.score("policy", asked);
    });
    const path = join(folder, "adapter_config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...config, ...base }));
    return { folder, scored };
  };

  it.each([{ base_model_name_or_path: "org/tiny" }, { base_model_name_or_path: "org/tiny", revision: COMMIT }])(
    "is opened through the cache, and exported under the same name: %j",
    (base) => {
      const { folder, scored } = named(base);
      withEngine(folder, {}, (engine) => {
        expect(engine.score("policy", asked)).toEqual(scored);
        const out = place();
        engine.export(out);
        expect(JSON.parse(readFileSync(join(out, "adapter_config.json"), "utf8"))).toMatchObject(base);
      });
    },
  );

  it.each([
    [{ base_model_name_or_path: "org/other" }, "npx grit download org/other"],
    [{ base_model_name_or_path: "org/tiny", revision: "v2" }, "npx grit download org/tiny --revision v2"],
  ])("%j is not in the cache: the adapter is named, and the command that fetches its base", (base, command) => {
    const { folder } = named(base);
    const open = () => withEngine(folder, {}, () => {});
    expect(open).toThrow(UserError);
    expect(open).toThrow(`${folder} is an adapter for ${base.base_model_name_or_path}. `);
    expect(open).toThrow(`Download it with: ${command}`);
  });
});

describe("an exported adapter", () => {
  it("opened again says the same, and goes on; its tensors have PEFT's names", () =>
    withEngine(tied, { lora: { ...lora, parts: ["language", "vision", "connector"] } }, (engine) => {
      move(engine, 2);
      const folder = place();
      engine.export(folder);
      expect(readdirSync(folder).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
      const names = [...tensorsIn(join(folder, "adapter_model.safetensors")).keys()];
      expect(names).toContain("base_model.model.model.language_model.layers.1.self_attn.q_proj.lora_A.weight");
      expect(names).toContain("base_model.model.model.visual.blocks.0.attn.qkv.lora_B.weight");
      withEngine(folder, {}, (again) => {
        expect(again.score("policy", asked)).toEqual(engine.score("policy", asked));
        move(again);
        expect(again.score("policy", asked)).not.toEqual(engine.score("policy", asked));
      });
    }));

  it("merged is a whole checkpoint that says the same; what has no adapter is as it was, byte for byte", () =>
    withEngine(tied, { lora }, (engine) => {
      move(engine, 3);
      const folder = place();
      engine.export(folder, { merge: true });
      expect(readdirSync(folder).sort()).toEqual(readdirSync(tied).sort());
      const changed = differing(
        tensorsIn(join(folder, "model.safetensors")),
        tensorsIn(join(tied, "model.safetensors")),
      );
      expect(changed).toHaveLength(14);
      expect(changed.filter((name) => !/layers\.\d\.(self_attn|mlp)\.\w+_proj\.weight/.test(name))).toEqual([]);
      withEngine(folder, {}, (again) =>
        expect(largestGap(again.score("policy", asked), engine.score("policy", asked))).toBeLessThan(1e-4),
      );
    }));

  it("a whole checkpoint has nothing to merge", () =>
    withEngine(tied, {}, (engine) =>
      expect(() => engine.export(place(), { merge: true })).toThrow(/no adapter to merge/),
    ));
});

describe("dropout", () => {
  const dropping = { ...lora, dropout: 0.3 };
  /** After one step, so that A has a gradient too. */
  const gradient = (options: EngineOptions) =>
    withEngine(tied, { lora: dropping, ...options }, (engine) => {
      move(engine);
      engine.forwardBackward(groups, NLL);
      return gradientOf(engine, place());
    });

  it("is a function of the seed, the same when layers are run again, and off outside training", () => {
    const whole = gradient({ seed: 1 });
    expect(differing(gradient({ seed: 1 }), whole)).toEqual([]);
    expect(relativeDistance(gradient({ seed: 1, activationCheckpointing: true }), whole)).toBeLessThan(1e-4);
    expect(relativeDistance(gradient({ seed: 2 }), whole)).toBeGreaterThan(0.05);
    withEngine(tied, { lora: dropping }, (engine) => {
      move(engine);
      const { logprobs } = engine.forwardBackward(groups, NLL);
      const scored = engine.score("policy", asked);
      expect(largestGap(logprobs, scored)).toBeGreaterThan(1e-3);
      expect(engine.score("policy", asked)).toEqual(scored);
    });
  });

  it("keeps the mean: over many masks the gradient is the one without", () => {
    const sum = new Map<string, Float32Array>();
    const runs = 60;
    for (let seed = 0; seed < runs; seed++)
      withEngine(tied, { lora: dropping, seed }, (engine) => {
        engine.forwardBackward(groups, NLL);
        for (const [name, values] of gradientOf(engine, place())) {
          const total = sum.get(name) ?? new Float32Array(values.length);
          sum.set(name, total);
          for (const [i, value] of values.entries()) total[i]! += value / runs;
        }
      });
    const without = withEngine(tied, { lora }, (engine) => {
      engine.forwardBackward(groups, NLL);
      return gradientOf(engine, place());
    });
    expect(relativeDistance(sum, without)).toBeLessThan(0.1);
  });

  it("goes on after save and load as if nothing had been, bit for bit", () =>
    withEngine(tied, { lora: dropping, seed: 8, microBatchTokens: 100 }, (engine) => {
      move(engine, 2);
      const saved = place();
      engine.save(saved);
      move(engine, 2);
      withEngine(tied, { lora: dropping, seed: 8, microBatchTokens: 100 }, (again) => {
        again.load(saved);
        move(again, 2);
        expect(differing(stateOf(again, place()), stateOf(engine, place()))).toEqual([]);
      });
    }));
});

describe("refuses", () => {
  /** An adapter for `tied`, changed. */
  function adapter(change: (config: Record<string, unknown>) => object): string {
    const folder = place();
    withEngine(tied, { lora }, (engine) => engine.export(folder));
    const path = join(folder, "adapter_config.json");
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>)));
    return folder;
  }
  function refusal(folder: string, options: EngineOptions = {}): string {
    const before = liveTensors();
    try {
      withEngine(folder, options, () => {});
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect(liveTensors()).toEqual(before);
      return (error as Error).message;
    }
    throw new Error("It was opened.");
  }

  it("an adapter for a base of other shapes, naming what does not fit", () => {
    const folder = adapter((config) => ({ ...config, base_model_name_or_path: loadGolden("deep").dir }));
    rmSync(join(folder, "adapter_model.safetensors"));
    withEngine(tied, { lora }, (engine) => {
      const other = place();
      engine.export(other);
      // As PEFT writes it: no word of the base's weights.
      const file = new SafetensorsFile(join(other, "adapter_model.safetensors"));
      writeSafetensors(join(folder, "adapter_model.safetensors"), file.entries, (info) =>
        file.read(file.entries.find(({ name }) => name === info.name)!),
      );
    });
    expect(refusal(folder)).toMatch(
      /does not fit its base.*q_proj\.lora_A\.weight: is \[3,48\], base and rank 3 want \[3,36\]/s,
    );
  });

  it("an adapter for other weights of the same shape", () => {
    const other = place();
    cpSync(tied, other, { recursive: true });
    const model = readModel(other);
    const weights = initialWeights(model, 1);
    writeWeights(other, model, weights, singleFile(model.parameterShapes(), "float32"));
    disposeAll(weights);
    const folder = adapter((config) => ({ ...config, base_model_name_or_path: other }));
    expect(refusal(folder)).toMatch(/is an adapter for another base: its weights are not those/);
  });

  it("an adapter whose base is not there, one of another kind, and one with half a pair", () => {
    expect(refusal(adapter((config) => ({ ...config, base_model_name_or_path: "/nowhere" })))).toMatch(
      /is an adapter for \/nowhere, which is not there/,
    );
    expect(refusal(adapter((config) => ({ ...config, use_dora: true })))).toMatch(
      /use_dora: is set, which is not computed here/,
    );
    expect(refusal(adapter((config) => ({ ...config, modules_to_save: ["lm_head"] })))).toMatch(/modules_to_save/);
    const half = adapter((config) => config);
    const path = join(half, "adapter_model.safetensors");
    const file = new SafetensorsFile(path);
    const bytes = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
    writeSafetensors(path, file.entries.slice(1), ({ name }) => bytes.get(name)!);
    expect(refusal(half)).toMatch(/has [AB] alone/);
  });

  it.each([
    ["lm_head.lora_A.weight", [3, 48], "lm_head"],
    ["model.embed_tokens.lora_embedding_A", [3, 325], "model.language_model.embed_tokens"],
    ["visual.patch_embed.proj.lora_A.weight", [3, 3, 2, 14, 14], "model.visual.patch_embed.proj"],
    ["model.embed_tokens.weight", [325, 48], "model.language_model.embed_tokens"],
  ])("an adapter that holds %s, as what it is", (name, shape, module) => {
    const folder = adapter((config) => config);
    const info = { name: `base_model.model.${name}`, dtype: "float32" as const, shape };
    const zeros = Buffer.alloc(4 * shape.reduce((a, b) => a * b));
    writeSafetensors(join(folder, "adapter_model.safetensors"), [info], () => zeros);
    expect(refusal(folder)).toMatch(`adapter_model.safetensors changes ${module}; computed here are only adapters`);
    expect(refusal(folder)).not.toMatch("another");
  });

  it("an adapter that diverged, naming the matrix", () => {
    const folder = adapter((config) => config);
    const path = join(folder, "adapter_model.safetensors");
    const bytes = readFileSync(path);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    writeFileSync(path, bytes);
    expect(refusal(folder)).toMatch(/lora_[AB]\.weight has values that are not finite/);
  });

  it("an adapter upon an adapter", () =>
    expect(
      refusal(
        adapter((config) => config),
        { lora },
      ),
    ).toMatch(/is an adapter already/));
});

it("leaves nothing behind", () => {
  const before = liveTensors();
  withEngine(tied, { lora: { ...lora, dropout: 0.1 }, reference: true }, (engine) => {
    move(engine);
    engine.score("reference", asked);
    engine.export(place(), { merge: true });
  });
  expect(liveTensors()).toEqual(before);
});
