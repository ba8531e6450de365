import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { goldenNames, loadGolden } from "../../test/golden/golden.ts";
import { largestGap, promptOf } from "../../test/tiny.ts";
import { readWeights } from "../checkpoint/weights-io.ts";
import { readModel } from "../models/architectures.ts";
import { encodeImages } from "../models/forward.ts";
import { Weights } from "../models/weights.ts";
import { Tokenizer } from "../prompt/tokenizer.ts";
import type { Completion, Prompt } from "../records.ts";
import { liveTensors } from "../torch/tensor.ts";
import type { SampleOptions } from "./engine.ts";
import { placeholderMask } from "./logprobs.ts";
import { type SamplerContext, sample } from "./sampler.ts";

/** A sampler over a golden checkpoint that no token ends. */
function open(name: string) {
  const golden = loadGolden(name);
  const model = readModel(golden.dir);
  const weights = new Weights(readWeights(golden.dir, model, DEVICE).parameters);
  const context: SamplerContext = {
    model,
    weights,
    mask_V: placeholderMask(model.shape.vocabulary, golden.masked_ids, DEVICE),
    tokenizer: Tokenizer.load(golden.dir),
    endIds: [],
    features: (images) => (images.length ? encodeImages(model, weights, images) : undefined),
    cacheBytes: 2 ** 28,
  };
  return { golden, context, prompts: golden.prompts.map(promptOf) };
}

const greedy: SampleOptions = { n: 1, maxTokens: 24, temperature: 0, seed: 1 };
const random: SampleOptions = { n: 1, maxTokens: 12, temperature: 1.3, seed: 1 };
const idsOf = (context: SamplerContext, prompts: readonly Prompt[], options: SampleOptions) =>
  sample(context, prompts, options).map((group) => group.map(({ ids }) => ids));

describe.each(goldenNames())("greedy on %s", (name) => {
  const { golden, context, prompts } = open(name);
  const wanted = golden.prompts.map(({ greedy_ids }) => [greedy_ids]);

  it("writes the reference's tokens, each prompt alone", () => {
    for (const [i, prompt] of prompts.entries()) expect(idsOf(context, [prompt], greedy)).toEqual([wanted[i]]);
  });

  it("and all prompts in one batch, twice each", () => {
    expect(idsOf(context, prompts, { ...greedy, n: 2 })).toEqual(wanted.map(([ids]) => [ids, ids]));
  });
});

describe.each(["qwen2_5_vl/tied", "internvl/tied"])("sample on %s", (name) => {
  const { golden, context, prompts } = open(name);
  const [text, strip, wide, pair] = prompts as [Prompt, Prompt, Prompt, Prompt];
  const written = golden.prompts[0]!.greedy_ids;

  it("a prompt is not moved by one twenty times as long beside it", () => {
    const long = { ids: Array.from({ length: 20 }, () => text.ids).flat(), images: [] };
    const [beside] = idsOf(context, [text, long, wide], greedy);
    expect(beside).toEqual([written]);
  });

  it("never writes a placeholder, however hot", () => {
    const groups = idsOf(context, [text], { ...random, n: 64, maxTokens: 60, temperature: 1e4 });
    const counts = new Map<number, number>();
    for (const id of groups.flat(2)) counts.set(id, (counts.get(id) ?? 0) + 1);
    // Nearly uniform: 3,840 draws would hit each of some 325 ids a dozen times.
    expect(counts.size).toBe(context.model.shape.vocabulary - golden.masked_ids.length);
    expect(golden.masked_ids.filter((id) => counts.has(id))).toEqual([]);
  });

  it("equal seeds write equal texts, other seeds others, and the n of a prompt differ", () => {
    const once = idsOf(context, prompts, { ...random, n: 2 });
    expect(idsOf(context, prompts, { ...random, n: 2 })).toEqual(once);
    expect(idsOf(context, prompts, { ...random, n: 2, seed: 2 })).not.toEqual(once);
    for (const [first, second] of once) expect(first).not.toEqual(second);
  });

  it("what a prompt writes does not depend on its companions, on n, or on how batches are cut", () => {
    const [alone] = idsOf(context, [wide], { ...random, n: 2 });
    const [beside] = idsOf(context, [wide, text, pair], { ...random, n: 2 });
    expect(beside).toEqual(alone);
    const [more] = idsOf(context, [wide, strip], { ...random, n: 5 });
    expect(more!.slice(0, 2)).toEqual(alone);
    const whole = idsOf(context, prompts, { ...random, n: 2 });
    expect(idsOf({ ...context, cacheBytes: 1 }, prompts, { ...random, n: 2 })).toEqual(whole);
  });

  it("a part of a batch writes what it writes in the whole, by the places of its prompts there", () => {
    const whole = idsOf(context, prompts, { ...random, n: 2 });
    const places = [...prompts.keys()].filter((place) => place % 2 === 1);
    const part = places.map((place) => prompts[place]!);
    expect(idsOf(context, part, { ...random, n: 2, places })).toEqual(places.map((place) => whole[place]));
  });

  it("property: ids and log-probabilities are those of the prompt alone, whatever the companions, order, n and cut", () => {
    const seeds = prompts.map((_, i) => 40 + i);
    const alone: Completion[][] = [];
    for (const [i, prompt] of prompts.entries())
      alone.push(sample(context, [prompt], { ...random, n: 3, seed: [seeds[i]!] })[0]!);
    const batch = fc.record({
      members: fc.array(fc.nat(prompts.length - 1), { minLength: 1, maxLength: 6 }),
      n: fc.integer({ min: 1, max: 3 }),
      cacheBytes: fc.constantFrom(1, 2 ** 17, 2 ** 28),
    });
    fc.assert(
      fc.property(batch, ({ members, n, cacheBytes }) => {
        const options = { ...random, n, seed: members.map((i) => seeds[i]!) };
        const groups = sample(
          { ...context, cacheBytes },
          members.map((i) => prompts[i]!),
          options,
        );
        const wanted = members.map((i) => alone[i]!.slice(0, n));
        expect(groups.map((group) => group.map(({ ids }) => ids))).toEqual(
          wanted.map((group) => group.map(({ ids }) => ids)),
        );
        const logprobs = (of: readonly (readonly Completion[])[]) =>
          of.map((group) => group.map(({ logprobs }) => logprobs));
        expect(largestGap(logprobs(groups), logprobs(wanted))).toBeLessThan(1e-5);
      }),
      { numRuns: 8, seed: 5 },
    );
  });

  it("reads each prompt, and encodes its images, once for all its completions", () => {
    const embed = vi.spyOn(context.model, "embed");
    const encode = vi.spyOn(context.model, "imageStages");
    try {
      sample(context, [text, pair], { ...random, n: 5, maxTokens: 3 });
      const passes = embed.mock.calls.map(([, ids]) => ids.size(0));
      expect(passes).toEqual([text.ids.length + pair.ids.length, 10, 10]);
      expect(encode.mock.calls.map(([, images]) => images)).toEqual([pair.images]);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("a restriction to the best token is greedy", () => {
    expect(idsOf(context, [text], { ...greedy, temperature: 1, topK: 1 })).toEqual([[written]]);
    expect(idsOf(context, [text], { ...greedy, temperature: 1, topP: 1e-6 })).toEqual([[written]]);
  });

  it("ends at an end token, which stays; at the limit; whichever comes first", () => {
    const end = written[7]!;
    const at = written.indexOf(end) + 1;
    const until = (maxTokens: number) => sample({ ...context, endIds: [end] }, [text], { ...greedy, maxTokens });
    expect(until(24)).toMatchObject([[{ ids: written.slice(0, at), ending: "stop" }]]);
    expect(until(at)).toMatchObject([[{ ids: written.slice(0, at), ending: "stop" }]]);
    expect(until(at - 1)).toMatchObject([[{ ids: written.slice(0, at - 1), ending: "length" }]]);
  });

  it("ends at a stop text, be it in the middle of a token or across several", () => {
    const texts = written.map((id) => context.tokenizer.decode([id]));
    const at = texts.findIndex((piece, i) => i > 1 && /^[ -~]{2,}$/.test(piece));
    expect(at).toBeGreaterThan(1);
    const inside = texts[at]!.slice(0, -1);
    const across = (texts[at - 1]! + inside).slice(-3);
    for (const stop of [inside, across]) {
      const [group] = sample(context, [text], { ...greedy, stop: ["not in there", stop] });
      const completion = group![0]!;
      const last = completion.ids.length - 1;
      expect(completion.ending).toBe("stop");
      expect(completion.text).toContain(stop);
      expect(context.tokenizer.decode(completion.ids.slice(0, last))).not.toContain(stop);
      expect(completion.ids).toEqual(written.slice(0, last + 1));
    }
  });

  it("rows that end at different times do not disturb the others", () => {
    const free = idsOf(context, prompts, { ...random, n: 4, maxTokens: 20 });
    const endIds = [free[0]![0]![2]!, free[1]![1]![4]!, free[2]![3]![9]!];
    const cut = idsOf({ ...context, endIds }, prompts, { ...random, n: 4, maxTokens: 20 });
    const expected = free.map((group) =>
      group.map((ids) => {
        const end = ids.findIndex((id) => endIds.includes(id));
        return end < 0 ? ids : ids.slice(0, end + 1);
      }),
    );
    expect(cut).toEqual(expected);
    expect(new Set(cut.flat().map((ids) => ids.length)).size).toBeGreaterThan(2);
  });

  it("tells of each prompt when its last completion has ended, while others are still written", () => {
    const free = idsOf(context, prompts, { ...random, n: 2, maxTokens: 20 });
    const endIds = free[1]!.map((ids) => ids[2]!);
    const told: number[] = [];
    const groups = new Map<number, readonly Completion[]>();
    const onGroup = (prompt: number, completions: readonly Completion[]) => void groups.set(prompt, completions);
    const onProgress = () => void told.push(groups.size);
    const sampled = sample({ ...context, endIds }, prompts, { ...random, n: 2, maxTokens: 20, onGroup, onProgress });
    expect(groups.keys().next().value).toBe(1);
    expect(new Set(told).size).toBeGreaterThan(1);
    expect([...groups].sort(([a], [b]) => a - b).map(([, completions]) => completions)).toEqual(sampled);
  });

  it("tells how far it has come, from the first prompt on, and leaves no tensor behind", () => {
    const before = liveTensors();
    const seen: number[] = [];
    sample({ ...context, cacheBytes: 1 }, prompts, { ...greedy, n: 2, onProgress: (done) => seen.push(done) });
    expect(seen[0]).toBeGreaterThan(0);
    expect(seen[0]).toBeLessThan(2);
    expect(seen.at(-1)).toBe(8);
    for (const [i, done] of seen.entries()) expect(done).toBeGreaterThanOrEqual(seen[i - 1] ?? 0);
    expect(liveTensors()).toEqual(before);
  });

  it("stops at once when told to, and leaves no tensor behind", () => {
    const before = liveTensors();
    const controller = new AbortController();
    let steps = 0;
    const onProgress = () => void (++steps === 3 && controller.abort());
    const work = () => sample(context, prompts, { ...greedy, onProgress, signal: controller.signal });
    expect(work).toThrow(expect.objectContaining({ name: "AbortError" }));
    expect(steps).toBe(3);
    expect(liveTensors()).toEqual(before);
  });
});
