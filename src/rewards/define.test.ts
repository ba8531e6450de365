import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { defineReward, loadRewardModule, type Reward, scoreAll } from "./define.ts";
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
    await expect(scoreAll([constant("a", 1, value)], rollout)).rejects.toThrow(/reward "a" returned .* for sample s1/);
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

describe("loadRewardModule", () => {
  const folder = mkdtempSync(join(tmpdir(), "grit-rewards-"));
  const file = (name: string, code: string) => {
    writeFileSync(join(folder, name), code);
    return join(folder, name);
  };

  it("loads a module's rewards", async () => {
    const path = file(
      "good.ts",
      "const brief = { name: 'brief', weight: 0.1, score: () => 1 as number };\nexport default brief;\nexport { brief };\nexport const other = 3;\n",
    );
    const rewards = await loadRewardModule(path);
    expect(rewards.map((reward) => reward.name)).toEqual(["brief"]);
    expect((await scoreAll(rewards, rollout)).total).toBeCloseTo(0.1, 12);
  });

  it.each([
    ["missing.ts", undefined, /no such reward module/],
    ["broken.ts", "export default {", /does not load/],
    ["throws.ts", "throw new Error('no luck');", /does not load: no luck/],
    ["empty.ts", "export const a = 1;", /exports no reward/],
    ["weightless.ts", "export default { name: 'a', score: () => 1 };", /reward "a" has the weight undefined/],
  ])("explains what is wrong with %s", async (name, code, message) => {
    const path = code === undefined ? join(folder, name) : file(name, code);
    const loading = loadRewardModule(path);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toBeInstanceOf(UserError);
  });
});
