import { describe, expect, it } from "vitest";
import { judgeSchema } from "../config/judge-settings.ts";
import { makeManifest } from "../evaluation/manifest-fixture.ts";
import type { AnsweredEvaluation } from "../evaluation/read-evaluations.ts";
import type { Answered } from "../run/lines.ts";
import { stream } from "../util/random.ts";
import type { Arm } from "./arms.ts";
import { miniature } from "./scale.ts";
import { studyNamed } from "./studies.ts";
import type { Runs } from "./study.ts";
import { ACC_SETS, IOU_SETS } from "./tabulate.ts";

const SETS = [...new Set([...ACC_SETS, ...IOU_SETS]), "tallyqa_many"];
const SAMPLES = 40;

/** Runs whose arms are right, and point right, with these chances, by the name of the arm; the same in every set. */
async function runsOf(chances: Readonly<Record<string, number>>): Promise<Runs> {
  const scale = await miniature("qwen");
  const never = () => {
    throw new Error("not in this test");
  };
  return {
    scale,
    judge: judgeSchema.parse({}),
    signal: new AbortController().signal,
    sets: never,
    seedsOf: ({ made }) => (made ? scale.seeds : [1]),
    model: never,
    withModel: never,
    probed: never,
    rollouts: async () => [],
    answers: async (arm) => (arm.made ? scale.seeds : [1]).map((seed) => answersOf(arm, seed, chances[arm.name]!)),
  };
}

function answersOf({ name }: Arm, seed: number, chance: number): AnsweredEvaluation {
  const samples = SETS.flatMap((set) =>
    Array.from({ length: SAMPLES }, (_, i) => {
      const random = stream(7, name, seed, set, i);
      const acc = Number(random.chance(chance));
      return { id: `${set}-${i}`, set, dataset: set, acc, giou: 0.8 * chance + 0.2 * random.float() } as Answered;
    }),
  );
  return { dir: name, manifest: makeManifest({ name }), samples };
}

const directionOf = async (study: string, chances: Record<string, number>) =>
  (await studyNamed(study).run(await runsOf(chances))).direction;

describe("what a study says of its direction", () => {
  const METHODS = { direct: 0.4, cot: 0.3, icl: 0.2, sft: 0.5, grit: 0.8, look: 0.8 };

  it("of table 1: GRIT above all four, or the exceptions by name", async () => {
    expect(await directionOf("table1", METHODS)).toMatchObject({
      agrees: true,
      sentence: expect.stringMatching(/^As in/),
    });
    expect(await directionOf("table1", { ...METHODS, sft: 0.9 })).toEqual({
      agrees: false,
      sentence:
        "Unlike in the paper, GRIT is not clearly above sft in mean ACC, which is above it; sft in mean IoU, which is above it.",
    });
    expect((await directionOf("table1", { ...METHODS, sft: 0.8 })).sentence).toContain("sft in mean ACC");
  });

  it("of table 3: IoU falls without counting, or where it does not", async () => {
    const arms = { grit: 0.8, "no-count-reward": 0.75, look: 0.8 };
    expect((await directionOf("table3", { ...arms, "no-counting": 0.6 })).agrees).toBe(true);
    const { agrees, sentence } = await directionOf("table3", { ...arms, "no-counting": 0.9 });
    expect([agrees, sentence]).toEqual([false, expect.stringContaining("rises in domain and rises out of it")]);
  });

  it("of steps: the jump, the plateau, and small batches that catch up", async () => {
    const large = { cot: 0.3, "grit-step-5": 0.4, "grit-step-10": 0.6, "grit-step-20": 0.8, grit: 0.8 };
    const small = { "small-step-5": 0.3, "small-step-20": 0.4, small: 0.5, "small-long": 0.8 };
    expect((await directionOf("steps", { ...large, ...small })).agrees).toBe(true);
    const { sentence } = await directionOf("steps", { ...large, ...small, "grit-step-20": 0.6, "small-long": 0.4 });
    expect(sentence).toContain("not clearly so: it moves less than half as much after that, they gain by more steps");
  });

  it("of what goes beyond looking: above the base that is forced to look, or not", async () => {
    const arms = { look: 0.5, "no-counting": 0.5, grit: 0.5, "counting-many-500": 0.4 };
    const above = await directionOf("beyond-looking", { ...arms, "counting-many": 0.8 });
    expect([above.agrees, above.sentence]).toEqual([true, expect.stringContaining("a habit: ACC and IoU above")]);
    const below = await directionOf("beyond-looking", { ...arms, "counting-many": 0.3 });
    expect([below.agrees, below.sentence]).toEqual([false, expect.stringContaining("no more than a habit")]);
    expect(below.sentence).toContain("with five hundred neither is");
    const hundreds = await directionOf("beyond-looking", { ...arms, "counting-many": 0.3, "counting-many-500": 0.9 });
    expect([hundreds.agrees, hundreds.sentence]).toEqual([
      false,
      expect.stringContaining("with five hundred ACC and IoU rise above it"),
    ]);
  });

  it("of scaling: accuracy rises with the samples, or does not", async () => {
    const arms = (...[grit, middle, most]: number[]) => ({
      grit: grit!,
      "samples-500": middle!,
      "samples-7000": most!,
    });
    expect((await directionOf("scaling", arms(0.5, 0.6, 0.65))).agrees).toBe(true);
    expect(await directionOf("scaling", arms(0.6, 0.5, 0.5))).toMatchObject({
      agrees: false,
      sentence: expect.stringContaining("does not clearly rise"),
    });
  });
});

describe("the numbers of a study", () => {
  it("are means over seeds with intervals, and gains paired by sample", async () => {
    const { columns, arms, gains, paper } = await studyNamed("table1").run(
      await runsOf({ direct: 0.4, cot: 0.4, icl: 0.4, sft: 0.4, grit: 0.8, look: 0.8 }),
    );
    const meanAcc = columns.findIndex(({ name }) => name === "mean ACC");
    const grit = arms.find(({ name }) => name === "grit")!;
    expect(arms.map(({ name, seeds }) => [name, seeds])).toEqual([
      ["direct", 1],
      ["cot", 1],
      ["icl", 1],
      ["sft", 3],
      ["grit", 3],
      ["look", 1],
    ]);
    expect(grit.numbers[meanAcc]).toMatchObject({ mean: expect.closeTo(0.8, 1), n: ACC_SETS.length * SAMPLES });
    const gain = gains.find(({ column, from }) => column === "mean ACC" && from === "direct")!.gain;
    expect(gain.mean).toBeCloseTo(grit.numbers[meanAcc]!.mean - arms[0]!.numbers[meanAcc]!.mean, 12);
    expect(gain.low).toBeGreaterThan(0.3);
    // The mean over the paper's five accuracies, as published.
    expect(paper.map(({ numbers }) => numbers[meanAcc])).toEqual(
      [58.62, 36.9, 24.74, 56.42, 66.52].map((mean) => expect.closeTo(mean / 100, 4)),
    );
  });
});
