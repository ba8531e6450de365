import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { goldenNames, loadGolden } from "../../test/golden/golden.ts";
import {
  differing,
  GRPO,
  largestGap,
  openTiny,
  promptOf,
  STEP,
  scratchPlaces,
  stateOf,
  TINIES,
  tensorsIn,
  toTrain,
  withTiny,
} from "../../test/tiny.ts";
import { type Part, parts } from "../models/model.ts";
import { native } from "../torch/native.ts";
import { SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";
import { liveTensors } from "../torch/tensor.ts";
import { mean } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import type { ScoreGroup } from "./engine.ts";
import { LocalEngine } from "./local.ts";

const place = scratchPlaces();

describe.each(goldenNames())("on %s", (name) => {
  it("sampling, scoring and training see the same log-probabilities", () =>
    withTiny(name, { reference: true }, async (engine, groups) => {
      const prompts = groups.map(({ prompt }) => prompt);
      const completions = await engine.sample(prompts, { n: 2, maxTokens: 12, temperature: 1, seed: 3 });
      const sampled = completions.map((group) => group.map(({ logprobs }) => logprobs));
      const asked = prompts.map((prompt, g) => ({ prompt, completions: completions[g]!.map(({ ids }) => ids) }));
      const items = prompts.map((prompt, g) => ({
        prompt,
        items: completions[g]!.map(({ ids, logprobs }) => ({ ids, advantage: 1, oldLogprobs: logprobs })),
      }));
      const trained = engine.forwardBackward(items, GRPO);
      expect(largestGap(engine.score("policy", asked), sampled)).toBeLessThan(1e-4);
      expect(largestGap(engine.score("reference", asked), sampled)).toBeLessThan(1e-4);
      expect(largestGap(trained.logprobs, sampled)).toBeLessThan(1e-4);
      expect(trained.metrics.mismatchMax).toBeCloseTo(largestGap(trained.logprobs, sampled), 6);
      expect(trained.metrics.mismatchMean).toBeLessThanOrEqual(trained.metrics.mismatchMax);
      expect(trained.metrics.tokens).toBe(sampled.flat(2).length);
    }));

  it("an untouched checkpoint is exported as it came, every tensor and file byte for byte", () =>
    withTiny(name, {}, (engine, _, { dir: from }) => {
      const to = place();
      engine.export(to);
      expect(readdirSync(to).sort()).toEqual(readdirSync(from).sort());
      for (const file of readdirSync(from)) {
        const [was, is] = [join(from, file), join(to, file)];
        if (file.endsWith(".safetensors")) expect(differing(tensorsIn(is), tensorsIn(was)), file).toEqual([]);
        else expect(readFileSync(is).equals(readFileSync(was)), file).toBe(true);
      }
    }));
});

it("an export carries no weights but its own: others would be the old ones", () => {
  const [from, to] = [place(), place()];
  const { dir: golden } = loadGolden("tied");
  cpSync(golden, from, { recursive: true });
  for (const name of ["pytorch_model.bin", "pytorch_model.bin.index.json", "optimizer.pt"])
    writeFileSync(join(from, name), "");
  const engine = new LocalEngine(from, { device: DEVICE, precision: "float32" });
  engine.export(to);
  engine.dispose();
  expect(readdirSync(to).sort()).toEqual(readdirSync(golden).sort());
});

describe.each(TINIES)("log-probabilities of %s", (name) => {
  it.each([1, 170, 4096])(
    "property: do not depend on companions, order and micro-batches of %i tokens",
    (microBatchTokens) =>
      withTiny(name, { microBatchTokens }, (engine, groups) => {
        const alone = groups.map(({ prompt, completions }) =>
          completions.map((ids) => engine.score("policy", [{ prompt, completions: [ids] }])[0]![0]!),
        );
        const member = fc.record({
          g: fc.nat(groups.length - 1),
          ks: fc.array(fc.nat(1), { minLength: 1, maxLength: 3 }),
        });
        fc.assert(
          fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), (members) => {
            const scored = engine.score(
              "policy",
              members.map(({ g, ks }) => ({ ...groups[g]!, completions: ks.map((k) => groups[g]!.completions[k]!) })),
            );
            const wanted = members.map(({ g, ks }) => ks.map((k) => alone[g]![k]!));
            expect(largestGap(scored, wanted)).toBeLessThan(1e-5);
          }),
          { numRuns: 15, seed: 11 },
        );
      }),
  );

  it("of a sequence longer than the model's context are refused, as is sampling one", () =>
    withTiny(name, {}, async (engine, [group]) => {
      const context = engine.processor.contextLength;
      const room = context - group!.prompt.ids.length;
      const options = { n: 1, maxTokens: room + 1, temperature: 0, seed: 1 };
      const refusal = new RegExp(
        `prompt of \\d+ tokens and \\d+ new ones make ${context + 1}, more than the model's ${context}`,
      );
      expect(() => engine.sample([group!.prompt], options)).toThrow(refusal);
      const ids = new Array<number>(room + 1).fill(5);
      expect(() => engine.score("policy", [{ prompt: group!.prompt, completions: [ids] }])).toThrow(refusal);
      const items = [{ context: ids.slice(0, 9), ids: ids.slice(9), advantage: 1 }];
      expect(() => engine.forwardBackward([{ prompt: group!.prompt, items }], GRPO)).toThrow(refusal);
    }));

  it("tokens read as context are the completion's own beginning", () =>
    withTiny(name, {}, (engine, [group]) => {
      const ids = group!.completions[1]!;
      const [[whole]] = engine.score("policy", [{ ...group!, completions: [ids] }]) as [[number[]]];
      const items = [{ context: ids.slice(0, 5), ids: ids.slice(5), advantage: 0 }];
      const { logprobs } = engine.forwardBackward([{ prompt: group!.prompt, items }], { kind: "nll" });
      expect(largestGap(logprobs, [[whole.slice(5)]])).toBeLessThan(1e-5);
    }));
});

it.each(["qwen2_5_vl", "internvl"])(
  "%s: log-probabilities in bfloat16 stray from those in float32 no further than transformers' own do",
  async (family) => {
    const recorded = JSON.parse(
      readFileSync(new URL(`../../test/golden/${family}/bfloat16.json`, import.meta.url), "utf8"),
    ) as { mean_error: Record<string, number> };
    const errors = await Promise.all(
      Object.entries(recorded.mean_error).map(([name, theirs]) =>
        withTiny(`${family}/${name}`, { precision: "bfloat16" }, (engine, _, golden) => {
          const asked = golden.prompts.map((prompt) => ({
            prompt: promptOf(prompt),
            completions: [prompt.completion_ids],
          }));
          const gaps = engine.score("policy", asked).flatMap(([logprobs], i) => {
            const exact = golden.array(`${golden.prompts[i]!.name}/logprobs`).data;
            return logprobs!.map((value, t) => Math.abs(value - exact[t]!));
          });
          return { ours: mean(gaps), theirs };
        }),
      ),
    );
    expect(mean(errors.map(({ ours }) => ours))).toBeLessThanOrEqual(mean(errors.map(({ theirs }) => theirs)));
  },
);

describe.each(["qwen2_5_vl", "internvl"])("steps of %s", (family) => {
  const name = `${family}/tied`;
  /** A checkpoint of the family that is stored in bfloat16. */
  const stored = family === "internvl" ? "internvl/original" : "qwen2_5_vl/released";
  const move = (engine: LocalEngine, groups: readonly ScoreGroup[], steps = 1) => {
    for (let i = 0; i < steps; i++) {
      engine.forwardBackward(toTrain(groups), GRPO);
      engine.step(STEP);
    }
  };

  it("move the policy and leave the reference where it was", () =>
    withTiny(name, { reference: true, freeze: ["vision"] }, (engine, groups) => {
      const before = engine.score("reference", groups);
      expect(engine.score("policy", groups)).toEqual(before);
      move(engine, groups);
      expect(engine.score("reference", groups)).toEqual(before);
      expect(largestGap(engine.score("policy", groups), before)).toBeGreaterThan(1e-3);
    }));

  it("make what was rewarded likelier, and what was punished less likely", () =>
    withTiny(name, {}, (engine, groups) => {
      const total = () => engine.score("policy", groups).map((group) => group.map((x) => x.reduce((a, b) => a + b)));
      const before = total();
      move(engine, groups, 2);
      for (const [g, [good, bad]] of total().entries()) {
        expect(good).toBeGreaterThan(before[g]![0]!);
        expect(bad).toBeLessThan(before[g]![1]!);
      }
    }));

  const kept: Part[][] = [...parts.map((part) => [part]), ["vision", "connector"]];
  it.each(kept.map((freeze) => [freeze.join(" and "), freeze] as const))(
    "leave a frozen part as it is, bit for bit, and move every tensor of the others: %s",
    (_, freeze) =>
      withTiny(`${family}/sharded`, { freeze }, (engine, groups) => {
        const [was, is] = [place(), place()];
        engine.export(was);
        move(engine, groups, 2);
        engine.export(is);
        const seen = new Set<string>();
        for (const file of readdirSync(was).filter((name) => name.endsWith(".safetensors"))) {
          const now = tensorsIn(join(is, file));
          for (const [stored, bytes] of tensorsIn(join(was, file))) {
            const part = engine.model.partOf(engine.model.canonicalName(stored));
            seen.add(part);
            expect(now.get(stored)!.equals(bytes), stored).toBe(freeze.includes(part));
          }
        }
        expect([...seen].sort()).toEqual([...parts].sort());
        for (const [part, { total, trainable }] of engine.describe().parameters)
          expect(trainable, part).toBe(freeze.includes(part) ? 0 : total);
      }),
  );

  it("go on after save and load as if nothing had been, bit for bit", () =>
    withTiny(name, { freeze: ["vision"] }, async (engine, groups) => {
      move(engine, groups, 2);
      const saved = place();
      const before = stateOf(engine, saved);
      move(engine, groups);
      const after = stateOf(engine, place());
      expect(differing(after, before)).not.toEqual([]);
      await withTiny(name, { freeze: ["vision"] }, (again) => {
        again.load(saved);
        expect(differing(stateOf(again, place()), before)).toEqual([]);
        move(again, groups);
        expect(differing(stateOf(again, place()), after)).toEqual([]);
      });
    }));

  it("in bfloat16 train float32 masters, and sampling agrees with training as far as the type allows", () =>
    withTiny(stored, { precision: "bfloat16", freeze: ["vision"], reference: true }, async (engine, groups) => {
      const prompts = groups.map(({ prompt }) => prompt);
      const completions = await engine.sample(prompts, { n: 2, maxTokens: 8, temperature: 1, seed: 3 });
      const jobs = prompts.map((prompt, g) => ({
        prompt,
        items: completions[g]!.map(({ ids, logprobs }, k) => ({ ids, advantage: k ? 1 : -1, oldLogprobs: logprobs })),
      }));
      const { metrics } = engine.forwardBackward(jobs, GRPO);
      expect(metrics.mismatchMax).toBeLessThan(0.5);
      const before = stateOf(engine, place());
      expect(engine.step({ ...STEP, lr: 1e-6 }).skipped).toBe(false);
      // A step this small would be lost in bfloat16 weights.
      expect(differing(stateOf(engine, place()), before)).not.toEqual([]);
    }));
});

describe("load", () => {
  it.each([undefined, "-5", "1.5", " ", "many"])("refuses a state that has seen %j updates", (steps) =>
    withTiny("tied", {}, (engine) => {
      const saved = place();
      engine.save(saved);
      const path = join(saved, "state.safetensors");
      const file = new SafetensorsFile(path);
      const bytes = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
      writeSafetensors(path, file.entries, ({ name }) => bytes.get(name)!, steps === undefined ? {} : { steps });
      expect(() => engine.load(saved)).toThrow(/does not say how many updates/);
      expect(() => engine.load(saved)).toThrow(UserError);
    }),
  );

  it("refuses a state that is not finite, naming the tensor", () =>
    withTiny("tied", {}, (engine) => {
      const saved = place();
      engine.save(saved);
      const path = join(saved, "state.safetensors");
      const bytes = readFileSync(path);
      bytes.writeFloatLE(Number.POSITIVE_INFINITY, bytes.length - 4);
      writeFileSync(path, bytes);
      expect(() => engine.load(saved)).toThrow(/state\.safetensors: .*\.square has values that are not finite/);
    }));

  it.each([
    [-1e-3, /state\.safetensors: .*\.square has negative values, which a mean of squares cannot have/],
    [-0, undefined],
  ])("refuses a mean of squares of %j", (value, refusal) =>
    withTiny("tied", {}, (engine) => {
      const saved = place();
      engine.save(saved);
      const path = join(saved, "state.safetensors");
      const bytes = readFileSync(path);
      bytes.writeFloatLE(value, bytes.length - 4);
      writeFileSync(path, bytes);
      if (refusal) expect(() => engine.load(saved)).toThrow(refusal);
      else expect(() => engine.load(saved)).not.toThrow();
    }),
  );

  it("refuses the state of a run that trained something else, naming the tensor", () =>
    withTiny("tied", { freeze: ["language"] }, async (engine) => {
      const saved = place();
      engine.save(saved);
      await withTiny("tied", { freeze: ["language", "vision"] }, (other) => {
        expect(() => other.load(saved)).toThrow(/has the tensor model\.visual\..*, which this run does not train/);
        expect(() => other.load(saved)).toThrow(UserError);
      });
      await withTiny("tied", {}, (other) => expect(() => other.load(saved)).toThrow(/lacks model\.language_model/));
      await withTiny("deep", { freeze: ["language"] }, (other) =>
        expect(() => other.load(saved)).toThrow(/has the tensor .* \[.*\], which this run does not train/),
      );
    }));
});

it.each(TINIES)("an engine on %s leaves nothing behind when it is disposed", async (name) => {
  const before = liveTensors();
  await withTiny(name, { reference: true, freeze: ["vision", "connector"] }, async (engine, groups) => {
    await engine.sample([groups[2]!.prompt], { n: 2, maxTokens: 4, temperature: 1, seed: 1 });
    engine.score("reference", groups);
    engine.forwardBackward(toTrain(groups), GRPO);
    engine.step(STEP);
    engine.save(place());
  });
  expect(liveTensors()).toEqual(before);
});

it("a reference that was not asked for is no other one", () =>
  withTiny("tied", {}, (engine, groups) =>
    expect(() => engine.score("reference", groups)).toThrow("without a reference"),
  ));

it.skipIf(native.cudaDevices() > 0)("a device that is not there is refused", () => {
  expect(() => openTiny("tied", { device: "cuda:0" })).toThrow(/device: cuda:0 is not available/);
});
