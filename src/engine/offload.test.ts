import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  differing,
  GRPO,
  STEP,
  scratchPlaces,
  stateOf,
  TINIES,
  tensorsIn,
  toTrain,
  withTiny,
} from "../../test/tiny.ts";
import { floats, mul, standIn, sum } from "../torch/ops.ts";
import { liveTensors, tidy } from "../torch/tensor.ts";
import type { EngineOptions } from "./engine.ts";

const place = scratchPlaces();
const offload = { reference: true, optimizer: true };

it("what stands in for a leaf has the value it is given, and passes its gradient on", () =>
  tidy(() => {
    const leaf = floats([0, 0], [2]).requiresGrad();
    const value = standIn(floats([3, 5], [2]), leaf);
    expect([...value.toFloats()]).toEqual([3, 5]);
    sum(mul(value, value)).backward();
    sum(value).backward();
    expect([...leaf.grad()!.toFloats()]).toEqual([7, 11]);
  }));

const adapter = { rank: 3, alpha: 6, targets: "all-linear", parts: ["language", "vision"], seed: 4 } as const;
describe.each(TINIES)("%s with masters, moments and reference in the host's memory", (name) => {
  it.each<[string, EngineOptions]>([
    ["layers run again", { activationCheckpointing: true, microBatchTokens: 1 }],
    ["bfloat16, a frozen tower", { precision: "bfloat16", microBatchTokens: 170, freeze: ["vision"] }],
    ["an adapter with dropout", { lora: { ...adapter, dropout: 0.2 } }],
  ])("learns the same bits as with all on the device: %s", async (_, options) => {
    const before = liveTensors();
    const run = (more: EngineOptions) =>
      withTiny(name, { reference: true, training: true, ...options, ...more }, async (engine, groups) => {
        const said: unknown[] = [];
        for (let step = 0; step < 8; step++) {
          const some = [groups[step % groups.length]!, groups[(step + 1) % groups.length]!];
          if (step === 3) {
            // A state that is saved and loaded is the one that goes on.
            const kept = place();
            engine.save(kept);
            engine.forwardBackward(toTrain(some), GRPO);
            engine.step(STEP);
            engine.load(kept);
          }
          const prompts = some.map(({ prompt }) => prompt);
          said.push((await engine.sample(prompts, { n: 2, maxTokens: 2, temperature: 1, seed: step })).flat());
          const scored = engine.score("reference", some);
          const learned = toTrain(some).map(({ prompt, items }, g) => ({
            prompt,
            items: items.map((item, k) => ({ ...item, referenceLogprobs: scored[g]![k]! })),
          }));
          said.push(scored, engine.forwardBackward(learned, { ...GRPO, beta: 0.1 }).metrics, engine.step(STEP));
        }
        const exported = place();
        engine.export(exported, { merge: options.lora !== undefined });
        const weights = tensorsIn(join(exported, "model.safetensors"));
        return { said, weights, still: engine.still, state: stateOf(engine, place()) };
      });
    const [resident, offloaded] = [await run({}), await run({ offload })];
    expect(offloaded.said).toEqual(resident.said);
    expect(offloaded.still).toEqual([]);
    expect(differing(offloaded.state, resident.state)).toEqual([]);
    expect(differing(offloaded.weights, resident.weights)).toEqual([]);
    expect(liveTensors()).toEqual(before);
  });
});
