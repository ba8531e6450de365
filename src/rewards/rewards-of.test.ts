import { describe, expect, it } from "vitest";
import { exactJudge } from "../judge/exact.ts";
import { defineReward, scoreAll } from "./define.ts";
import { chainOf, makeRollout } from "./fixtures.ts";
import { rewardPreset } from "./preset.ts";
import { rewardsOf } from "./rewards-of.ts";

const counted = makeRollout(chainOf(["1, 2, 30, 40", "50, 60, 70, 80"], "2"), {
  answer: "2",
  dataset: "tallyqa",
  task: "count",
});
const brief = defineReward({ name: "brief", weight: 0.5, score: () => 1 });

describe("rewards of a recipe", () => {
  it.each(["paper", "code"] as const)("are those of preset %s, bit for bit, without weights", async (preset) => {
    const rewards = rewardsOf({ preset }, exactJudge);
    expect(await scoreAll(rewards, counted)).toEqual(await scoreAll(rewardPreset(preset, exactJudge), counted));
  });

  it.each([
    ["paper", 1, 0.5],
    ["code", 1.5, 0.5],
  ] as const)("leave the count out of grounding in preset %s: %d becomes %d", async (preset, whole, without) => {
    const groundingBy = async (weights?: Record<string, number>) =>
      (await scoreAll(rewardsOf({ preset, weights }, exactJudge), counted)).terms.grounding;
    expect(await groundingBy()).toBe(whole);
    expect(await groundingBy({ counting: 0 })).toBe(without);
    expect(await groundingBy({ counting: 0.5, grounding: 2 })).toBe(2 * (without + (whole - without) / 2));
  });

  it("take the weights of the preset's terms and of one's own", async () => {
    const rewards = rewardsOf({ preset: "paper", weights: { bleu: 0, brief: 3 } }, exactJudge, [brief]);
    const { terms, total } = await scoreAll(rewards, counted);
    expect(terms).toEqual({ answer: 1, bleu: 0, grounding: 1, think_format: 1, brief: 3 });
    expect(total).toBe(6);
  });

  it("refuse the weight of a term that is not there, and name those that are", () => {
    const wrong = () => rewardsOf({ preset: "paper", weights: { repetition: 0 } }, exactJudge, [brief]);
    expect(wrong).toThrow(/no term "repetition" in the preset paper or in rewards.custom/);
    expect(wrong).toThrow("answer, bleu, grounding, think_format, brief, counting");
  });
});
