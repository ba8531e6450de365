/** @file What a run says of itself: numbers over all samples, or none; and a base that has passed its gate only with numbers. */
import { describe, expect, it } from "vitest";
import { type Answers, GATE, summarize } from "../jobs/quickstart-measures.ts";
import type { Answered } from "../run/lines.ts";
import type { Measured } from "./manifest.ts";
import { makeMeasured } from "./manifest-fixture.ts";
import { changes, numbers, row } from "./summary.ts";

const unscored = { acc: null, unscored: "the judge did not answer" };
const of = (...accs: number[]) => accs.map((acc) => ({ acc, giou: acc / 2 }));

/** Answers with these measurements. */
function answers(measured: readonly Partial<Measured>[]): Answered[] {
  return makeMeasured(measured).samples.map(({ unscored, ...sample }) => ({
    image: "none.png",
    sha256: "",
    width: 100,
    height: 80,
    question: "Is it?",
    answer: "yes",
    text: "yes",
    response: "yes",
    boxes: [],
    gtBoxes: [],
    ending: "stop",
    tokens: 1,
    ...sample,
    ...(unscored !== undefined && { unscored }),
  }));
}

describe("the changes of a set", () => {
  const before = answers(of(0, 0, 1, 1));

  it("are those of `summary.json` and nothing more when every answer is scored", () => {
    const set = changes(before, answers(of(1, 1, 1, 1)));
    expect(Object.keys(set)).toEqual(["n", "acc", "giou"]);
    expect(Object.keys(set.acc!)).toEqual(["before", "after", "gain", "low", "high"]);
    expect([set.n, set.acc, set.giou]).toEqual([
      4,
      expect.objectContaining({ before: 0.5, after: 1, gain: 0.5 }),
      expect.objectContaining({ before: 0.25, after: 0.5, gain: 0.25 }),
    ]);
  });

  it("have no accuracy while an answer is unscored on either side, but the share that both have", () => {
    const after = answers([unscored, ...of(1, 1, 1)]);
    expect(changes(before, after)).toMatchObject({
      n: 4,
      acc: null,
      giou: { gain: expect.any(Number) },
      coverage: 0.75,
    });
    const both = changes(answers([...of(0, 0, 1), unscored]), after);
    expect(both).toMatchObject({ acc: null, coverage: 0.5 });
  });

  it("take IoU over the samples with true boxes, and are whole without it", () => {
    const some = (giou: number) => answers([{ giou: null }, { giou }]);
    expect(changes(some(0.25), some(0.75)).giou).toMatchObject({ gain: 0.5 });
    const none = answers([{ giou: null }, { giou: null }]);
    expect(changes(none, none)).toEqual({ n: 2, acc: expect.anything(), giou: null });
  });
});

describe("the numbers of a row", () => {
  it("are means over all samples, accuracy with its interval", () => {
    const { sets } = row("direct", { vsr: answers(of(0, 1, 1, 1)) });
    expect(sets.vsr).toEqual({ acc: 0.75, giou: 0.375, n: 4, accLow: expect.any(Number), accHigh: 1 });
  });

  it("have a coverage instead of an accuracy while an answer is unscored", () => {
    const partial = numbers(answers([unscored, ...of(1, 1, 1)]));
    expect(partial).toMatchObject({ acc: null, accLow: null, accHigh: null, n: 4, coverage: 0.75 });
    expect(partial.giou).not.toBeNull();
  });
});

describe("the gate of the base", () => {
  /** A whole measurement, the base forced to look answering `forced`. */
  function gate(forced: Answered[]) {
    const right = answers(of(1, 1));
    const sets = (each: Answered[]) => Object.fromEntries(GATE.sets.map((set) => [set, each]));
    const ways: Answers = {
      "direct query": sets(right),
      "GRIT prompt, greedy": sets(answers(of(0, 1))),
      "GRIT prompt, T = 1": sets(right),
      "forced to look": sets(forced),
      "GRPO-GR": sets(right),
    };
    return summarize(ways, {}).gate;
  }

  it("is passed by a base that sees when it is made to look", () => {
    expect(gate(answers(of(1, 1)))).toMatchObject({ vsr: { forced: 1, greedy: 0.5, passed: true } });
    expect(gate(answers(of(0, 1)))).toMatchObject({ vsr: { forced: 0.5, passed: false } });
  });

  it("is not passed on a partial number, however good", () => {
    expect(gate(answers([...of(1), unscored]))).toMatchObject({ vsr: { forced: null, passed: false } });
  });
});
