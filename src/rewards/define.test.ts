import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { defineReward, type Reward, scoreAll } from "./define.ts";
import { makeRollout } from "./fixtures.ts";

const rollout = makeRollout("<answer>2");
const constant = (name: string, weight: number, value: unknown) =>
  defineReward({ name, weight, score: () => value as number });

describe("scoreAll", () => {
  it("weighs the terms and sums them", async () => {
    const scores = await scoreAll([constant("a", 2, 0.5), constant("b", -1, 3)], rollout);
    expect(scores).toEqual({ terms: { a: 1, b: -3 }, total: -2 });
  });

  it("has no total when a term has no score", async () => {
    const scores = await scoreAll([constant("a", 2, 0.5), constant("b", 1, { unscored: "judge timed out" })], rollout);
    expect(scores).toEqual({ terms: { a: 1, b: { unscored: "judge timed out" } }, total: { unscored: "unscored: b" } });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, null, "1", true])("refuses the score %s", async (value) => {
    await expect(scoreAll([constant("a", 1, value)], rollout)).rejects.toThrow(
      `reward "a" returned ${typeof value === "string" ? '"1"' : value} for sample s1`,
    );
  });

  it("refuses two rewards of one name", async () => {
    await expect(scoreAll([constant("a", 1, 1), constant("a", 1, 1)], rollout)).rejects.toThrow(
      'two rewards are named "a"',
    );
  });
});

describe("defineReward", () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ name: "", weight: 1, score: () => 1 }, /has the name ""/],
    [{ name: "Big one", weight: 1, score: () => 1 }, /has the name "Big one"/],
    [{ name: "a", weight: Number.NaN, score: () => 1 }, /weight NaN/],
    [{ name: "a", score: () => 1 }, /weight undefined/],
    [{ name: "a", weight: 1, score: 1 }, /no score/],
  ])("refuses %j", (reward, message) => {
    expect(() => defineReward(reward as unknown as Reward)).toThrow(message);
    expect(() => defineReward(reward as unknown as Reward)).toThrow(UserError);
  });
});
