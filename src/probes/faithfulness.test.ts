import { describe, expect, it } from "vitest";
import { checkpointDir } from "../../test/commands.ts";
import { parseChain } from "../chain/parse.ts";
import type { Engine, ScoreGroup } from "../engine/engine.ts";
import { exactJudge } from "../judge/exact.ts";
import { Processor } from "../prompt/prompt.ts";
import type { Completion, Prompt, Score } from "../records.ts";
import { makeSample, plainFrame } from "../rewards/fixtures.ts";
import { type Outcome, type Probe, probe, probeSummaries } from "./faithfulness.ts";

const processor = Processor.load(checkpointDir("tied"));
const image = { pixels: new Float32Array(), grid_thw: [1, 2, 2] as const, frame: plainFrame, sha256: "" };
const prompt: Prompt = { ids: [1, 2, 3], images: [image] };
const textOf = (ids: readonly number[]) => processor.decode(ids);

/** Answers "2" as long as it reads a box, else "0"; scores each token by the boxes that stand before the answer. */
const reader = {
  async sample(prompts: readonly Prompt[]): Promise<Completion[][]> {
    return prompts.map(({ ids }) => {
      const text = ` so</rethink><answer>${/\d, /.test(textOf(ids)) ? 2 : 0}</answer>`;
      return [{ ids: [1], logprobs: [0], text, ending: "stop" }];
    });
  },
  async score(_: "policy" | "reference", groups: readonly ScoreGroup[]): Promise<number[][][]> {
    return groups.map(({ completions }) =>
      completions.map((ids) => ids.map(() => (/\d, /.test(textOf(ids)) ? -0.125 : -1))),
    );
  },
} satisfies Pick<Engine, "sample" | "score">;

const answered = (id: string, text: string) => ({
  sample: makeSample({ id }),
  prompt,
  chain: parseChain(text, { space: "frame", frame: plainFrame }),
});
const options = { judge: exactJudge, maxTokens: 10, stop: ["</answer>"], seed: 1 };
const two = "<think>cats at (1, 2, 30, 40) and (5, 6, 70, 80)</think><rethink>yes</rethink><answer>2</answer> end";

describe("probe", () => {
  it("edits, answers anew and scores the original answer, the intact chain first", async () => {
    const outcomes = await probe(reader, processor, [answered("two", two)], options);
    const tokens = processor.tokenizer.encode("2</answer>").length;
    expect(outcomes.map(({ probe, answer, acc, originalLogprob }) => [probe, answer, acc, originalLogprob])).toEqual([
      ["intact", "2", 1, -0.125 * tokens],
      ["boxes_removed", "0", 0, -tokens],
      ["boxes_shuffled", "2", 1, -0.125 * tokens],
      ["thinking_removed", "0", 0, -tokens],
    ]);
    expect(outcomes[1]!.text).toBe("<think>cats at  and </think><rethink> so</rethink><answer>0</answer>");
  });

  it("leaves out what has nothing to edit, and chains that do not rethink", async () => {
    const outcomes = await probe(
      reader,
      processor,
      [
        answered("bare", "2"),
        answered("boxless", "<think>two</think><rethink>so</rethink><answer>2"),
        answered("open", "<think>1, 2, 3, 4</think><rethink>so"),
      ],
      options,
    );
    expect(outcomes.map(({ id, probe, originalLogprob }) => [id, probe, originalLogprob === undefined])).toEqual([
      ["boxless", "intact", false],
      ["boxless", "thinking_removed", false],
      ["open", "intact", true],
      ["open", "boxes_removed", true],
      ["open", "thinking_removed", true],
    ]);
  });
});

describe("probeSummaries", () => {
  const outcome = (id: string, probe: Probe, answer: string | undefined, acc: Score, originalLogprob?: number) =>
    ({ id, probe, text: "", answer, acc, originalLogprob }) satisfies Outcome;

  it("pairs each outcome with the intact one of its chain", () => {
    const [removed, shuffled, thoughtless] = probeSummaries([
      outcome("a", "intact", "2", 1, -1),
      outcome("a", "boxes_removed", "0", 0, -3),
      outcome("b", "intact", "Yes", 1, -2),
      outcome("b", "boxes_removed", "yes.", 1, -2),
      outcome("c", "intact", undefined, 0),
      outcome("c", "thinking_removed", undefined, 0),
    ]);
    expect(removed).toMatchObject({ n: 2, unscored: 0, acc: { before: 1, after: 0.5 }, changed: { mean: 0.5 } });
    expect(removed!.originalLogprob).toMatchObject({ before: -1.5, after: -2.5, gain: -1, n: 2 });
    expect(shuffled).toEqual({
      probe: "boxes_shuffled",
      n: 0,
      unscored: 0,
      acc: undefined,
      changed: undefined,
      originalLogprob: undefined,
    });
    expect(thoughtless).toMatchObject({ n: 1, changed: { mean: 0 }, originalLogprob: undefined });
  });

  it("gives no accuracy while an answer is unscored", () => {
    const [removed] = probeSummaries([
      outcome("a", "intact", "2", { unscored: "timed out" }),
      outcome("a", "boxes_removed", "2", 1),
    ]);
    expect(removed).toMatchObject({ n: 1, unscored: 1, acc: undefined, changed: { mean: 0 } });
  });
});
