import { expect, it } from "vitest";
import { Interrupted, UserError } from "../util/errors.ts";
import { scoreAll } from "./define.ts";
import { makeRollout } from "./fixtures.ts";
import { guarded } from "./guarded.ts";

const made = makeRollout("<answer>2");
const rollout = { ...made, sample: { ...made.sample, where: "train.jsonl:7" } };
const scored = (score: () => number | Promise<number>) =>
  scoreAll([guarded({ name: "own", weight: 2, score })], rollout);

it("gives what the reward gives", async () => {
  expect(await scored(async () => 0.5)).toMatchObject({ total: 1 });
});

it.each<[string, () => number | Promise<number>, string]>([
  [
    "throws",
    () => (undefined as unknown as { length: number }).length,
    "failed for sample s1 (train.jsonl:7): TypeError:",
  ],
  [
    "rejects",
    () => Promise.reject(new RangeError("too long")),
    "failed for sample s1 (train.jsonl:7): RangeError: too long",
  ],
  ["throws no error", () => Promise.reject("so"), "failed for sample s1 (train.jsonl:7): so"],
  ["returns no number", () => Number.NaN, "returned NaN for sample s1 (train.jsonl:7)"],
])("that %s: reward and sample are named", async (_, score, message) => {
  const outcome = scored(score);
  await expect(outcome).rejects.toBeInstanceOf(UserError);
  await expect(outcome).rejects.toThrow(`reward "own" ${message}`);
});

it("names the line that threw", async () => {
  const outcome = scored(() => {
    throw new Error("here");
  });
  await expect(outcome).rejects.toThrow(/Error: here \(at .*guarded\.test\.ts:\d+:\d+\)/);
});

it("lets an interruption pass", async () => {
  await expect(scored(() => Promise.reject(new Interrupted("down")))).rejects.toBeInstanceOf(Interrupted);
});

it("never answers: says so when the process has nothing left to do", async () => {
  const outcome = scored(() => new Promise(() => {}));
  const noted = expect(outcome).rejects.toThrow('reward "own" never answered for sample s1 (train.jsonl:7)');
  process.emit("beforeExit", 0);
  await noted;
});
