import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exactJudge } from "../judge/exact.ts";
import type { Judge } from "../judge/judge.ts";
import { isScored, type Sample } from "../records.ts";
import { scoreAll } from "./define.ts";
import { chainOf, makeRollout } from "./fixtures.ts";
import { type PresetName, rewardPreset } from "./preset.ts";

interface Case {
  text: string;
  ids: number[];
  answer: string;
  dataset: string;
  terms: Record<string, number>;
}

const cases = JSON.parse(
  readFileSync(new URL("../../test/golden/rewards/cases.json", import.meta.url), "utf8"),
) as Case[];

const score = (
  preset: PresetName,
  text: string,
  sample: Partial<Sample> = {},
  ids?: number[],
  judge: Judge = exactJudge,
) => scoreAll(rewardPreset(preset, judge), makeRollout(text, sample, ids ? { ids } : {}));
const fixed = (verdict: number): Judge => ({ name: "fixed", judge: async () => verdict });

it.each(["paper", "code"] as const)(
  "preset %s tells the judge of the sample's choices and kind of answer",
  async (preset) => {
    const told: unknown[] = [];
    const listening: Judge = { name: "listening", judge: async (request) => told.push(request) && 1 };
    const asked = { question: "Which?", answer: "7", choices: ["6", "7"], answerType: "integer" };
    await score(preset, chainOf(["1, 2, 30, 40"], "(B)"), asked, undefined, listening);
    expect(told).toEqual([{ ...asked, response: "(B)" }]);
  },
);

/** What Python's functions take a data set for: its name counts letter by letter there. */
const taskInPython = (dataset: string) =>
  dataset === "tallyqa" ? "count" : dataset.includes("ovd") ? "detect" : "answer";

describe("preset code", () => {
  it(`equals Python's functions on ${cases.length} texts`, async () => {
    expect(cases.length).toBeGreaterThan(300);
    const wrong: unknown[] = [];
    for (const { text, ids, answer, dataset, terms } of cases) {
      const { terms: ours } = await score("code", text, { answer, dataset, task: taskInPython(dataset) }, ids);
      for (const [name, value] of Object.entries(terms)) {
        const own = ours[name]!;
        if (!isScored(own) || Math.abs(own - value) > 1e-9)
          wrong.push({ text, ids, answer, dataset, name, value, own });
      }
    }
    expect(wrong).toEqual([]);
  });

  it("gives a perfect counting chain 4.1 and a perfect other chain 3.1", async () => {
    const counting = await score("code", chainOf(["1, 2, 30, 40", "5, 6, 70, 80"], "2"));
    expect(counting.terms).toEqual({
      answer: 1,
      bleu: 0.1,
      answer_format: 0.5,
      repetition: 0.5,
      grounding: 1.5,
      think_format: 0.5,
    });
    expect(counting.total).toBeCloseTo(4.1, 12);
    const relation = await score("code", chainOf(["1, 2, 30, 40"], "yes"), { answer: "Yes", dataset: "vsr" });
    expect(relation.total).toBeCloseTo(3.1, 12);
  });

  it("tells counting and detection samples by any spelling of their data set", async () => {
    const counted = await score("paper", chainOf(["1, 2, 30, 40", "5, 6, 70, 80"], "2"), { dataset: "TallyQA" });
    expect(counted.terms.grounding).toBe(1);
    const detected = await score("code", chainOf(["1, 2, 30, 40"], "2"), { dataset: "OVDEval" });
    expect(detected.terms.answer).toBe(0);
  });

  it("keeps the original's quirks", async () => {
    expect((await score("code", "", {}, [])).total).toBe(0.5);
    expect((await score("code", "<rethink>r</rethink><think>a b</think>")).terms.think_format).toBeCloseTo(0.2, 12);
    expect((await score("code", `${chainOf([], "2")}</answer>`)).terms.bleu).toBeCloseTo(0.05, 12);
    expect((await score("code", chainOf([], "0"), { answer: "0" })).terms.grounding).toBe(1);
    expect((await score("code", chainOf(Array(2).fill("1, 2, 3, 4"), "2"))).terms.grounding).toBe(1.5);
    const loop = "the cat sits on the mat and looks ".repeat(6);
    expect((await score("code", loop, {}, Array(60).fill(7))).terms.repetition).toBeLessThan(0);
  });

  it("looks at each sample's own data set and survives answers that are no integer", async () => {
    const text = chainOf(["1, 2, 30, 40"], "yes");
    expect((await score("code", text, { answer: "Yes", dataset: "tallyqa" })).terms.grounding).toBe(0.5);
    expect((await score("code", text, { answer: "1", dataset: "vsr" })).terms.grounding).toBe(0.5);
  });

  it("takes any credit of the judge for right, and none in detection", async () => {
    const text = chainOf([], "2");
    expect((await score("code", text, {}, undefined, fixed(0.1))).terms.answer).toBe(1);
    expect((await score("paper", text, {}, undefined, fixed(0.1))).terms.answer).toBe(0);
    expect((await score("code", text, { dataset: "ovd_position" }, undefined, fixed(1))).terms.answer).toBe(0);
    expect((await score("code", "2", {}, undefined, fixed(1))).terms.answer).toBe(0);
  });

  it("leaves repetition unscored where it would need ids that are not known", async () => {
    const rewards = rewardPreset("code", exactJudge);
    const { sample, chain } = makeRollout(chainOf(["1, 2, 30, 40", "5, 6, 70, 80"], "2"));
    const { terms, total } = await scoreAll(rewards, { sample, chain, completion: { text: chain.text } });
    expect(terms.repetition).toEqual({ unscored: expect.stringContaining("completion_ids") });
    expect(total).toEqual({ unscored: "unscored: repetition" });
    const short = await scoreAll(rewards, { ...makeRollout("<answer>2"), completion: { text: "<answer>2" } });
    expect(short.terms.repetition).toBe(0.5);
  });
});

describe("preset paper", () => {
  it("rewards the box that a detection sample asks for, without a judge", async () => {
    const detection = { dataset: "ovd_position", answer: "[0, 0, 100, 100]" };
    const answering = (box: string) => score("paper", chainOf(["1, 2, 30, 40"], box), detection, undefined, fixed(0));
    expect((await answering("[0, 0, 100, 90]")).terms).toMatchObject({ answer: 1, bleu: 0 });
    expect((await answering("[0, 0, 100, 40]")).terms.answer).toBe(0);
    const unmarked = await score("paper", chainOf([], "[0, 0, 9, 9]"), { ...detection, answer: "top left" });
    expect(unmarked.total).toEqual({ unscored: "unscored: answer" });
  });

  it("gives a perfect counting chain 3.1 and a perfect other chain 2.6", async () => {
    const counting = await score("paper", `${chainOf(["1, 2, 30, 40", "5, 6, 70, 80"], "2")}</answer>`);
    expect(counting.terms).toEqual({ answer: 1, bleu: 0.1, grounding: 1, think_format: 1 });
    expect(counting.total).toBeCloseTo(3.1, 12);
    const relation = await score("paper", chainOf(["1, 2, 30, 40"], "yes"), { answer: "Yes", dataset: "vsr" });
    expect(relation.total).toBeCloseTo(2.6, 12);
  });

  it.each([
    ["", 0],
    ["<think></think>", 0.5],
    ["<think>a</think><rethink>b</rethink>", 1],
    ["<rethink>b</rethink><think>a</think>", 0.5],
    ["<think>a</think><think>b</think><rethink>c</rethink>", 0.5],
    ["<answer>1</answer><think>a</think><rethink>b</rethink>", 0],
    ["<think><rethink></think></rethink>", 0],
    ["</think><think></rethink><rethink>", 0],
  ])("scores the form of %j with %d", async (text, expected) => {
    expect((await score("paper", text)).terms.think_format).toBe(expected);
  });

  it.each([
    ["one box said four times", chainOf(Array(4).fill("1, 2, 3, 4"), "4"), 0.5],
    ["boxes without area", chainOf(["4, 4, 4, 4", "9, 9, 1, 1", "5, 6, 5, 8", "1, 9, 8, 9"], "4"), 0],
    ["boxes outside the image", chainOf(["700, 1, 800, 2", "1, 500, 2, 600", "0, 0, 641, 3", "9, 9, 99, 999"], "4"), 0],
    ["only numbers", "1 2 3 4 5 6 7 8", 0],
    ["boxes only in the rethink", "<think>a b</think><rethink>1, 2, 3, 4</rethink><answer>4", 0],
    ["boxes only in the answer", "<think>a b</think><answer>1, 2, 3, 4 5, 6, 7, 8 9, 10, 11, 12 13, 14, 15, 16", 0],
    ["no rethink at all", "<think>1, 2, 3, 4</think><answer>4", 0.5],
    ["four boxes in one run", "<think>1,2,3,4,5,6,7,8,1,2,5,6,3,4,7,8</think><rethink>", 1],
  ])("is not fooled by %s", async (_, text, expected) => {
    expect((await score("paper", text, { answer: "4" })).terms.grounding).toBe(expected);
  });

  it("gives no count term outside counting", async () => {
    const text = chainOf(["1, 2, 30, 40"], "1");
    expect((await score("paper", text, { answer: "1", dataset: "gqa" })).terms.grounding).toBe(0.5);
    expect((await score("paper", chainOf([], "0"), { answer: "0" })).terms.grounding).toBe(0.5);
  });

  it("passes an unscored answer on", async () => {
    const silent: Judge = { name: "silent", judge: async () => ({ unscored: "timed out" }) };
    const { terms, total } = await score("paper", chainOf([], "2"), {}, undefined, silent);
    expect(terms.answer).toEqual({ unscored: "timed out" });
    expect(isScored(total)).toBe(false);
  });
});
