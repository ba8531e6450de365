import { expect, it } from "vitest";
import type { RolloutLine } from "../run/lines.ts";
import { countRewardIn } from "./count-reward.ts";

/** A chain of step 1 about two objects, with so many boxes, and an answer that is right or not. */
function chain(boxes: number, right: boolean, others: Partial<RolloutLine> = {}): RolloutLine {
  const text = `<think>${" 1,2,3,4".repeat(boxes)} </think> <rethink> </rethink> <answer> ${right ? 2 : 3}`;
  const counted = boxes === 2 ? 0.5 : 0;
  return {
    step: 1,
    group: 0,
    id: "a",
    dataset: "tallyqa",
    image: "a.png",
    width: 9,
    height: 9,
    question: "How many?",
    answer: "2",
    text,
    boxes: Array.from({ length: boxes }, (_, i) => ({ box: [i, 0, 9, 9], start: 8 + 8 * i, end: 15 + 8 * i })),
    terms: { answer: Number(right) },
    total: 1 + Number(right) + (boxes > 0 ? 0.5 : 0) + counted,
    advantage: null,
    ending: "stop",
    ...others,
  };
}

it("is told by the answer where both are right together, and adds to it where they are not", () => {
  const alike = countRewardIn([chain(2, true), chain(1, false), chain(2, true), chain(3, false)])!;
  expect(alike).toMatchObject({ chains: 4, boxed: 4, together: 1 });
  expect(alike.correlation).toBeCloseTo(1, 6);
  const apart = countRewardIn([chain(2, false), chain(1, true), chain(2, false), chain(1, true)])!;
  expect(apart.together).toBe(0);
  // Two deviate by 0.5 to both sides with the count, by 1 without: the same order.
  expect(apart.correlation).toBeCloseTo(1, 6);
  const mixed = countRewardIn([chain(2, false), chain(1, true), chain(2, true), chain(1, false)])!;
  // Totals 2, 2.5, 3, 1.5 against 1.5, 2.5, 2.5, 1.5: products 0.5 of 1.25 and 1.
  expect(mixed.together).toBe(0.5);
  expect(mixed.correlation).toBeCloseTo(1 / Math.sqrt(1.25), 3);
});

it("looks at sound boxes before the rethink, of counting samples with a score", () => {
  const flawed = chain(3, true);
  const boxes = flawed.boxes.map((box, i) => ({ ...box, duplicate: i === 2 }));
  const after = chain(3, true).boxes.map((box, i) => ({ ...box, start: i === 2 ? 900 : box.start }));
  const lines = [{ ...flawed, boxes }, { ...chain(3, true), boxes: after }, chain(1, false)];
  expect(countRewardIn(lines)?.together).toBe(1);
  expect(countRewardIn([...lines, chain(1, true, { dataset: "vsr" })])?.chains).toBe(3);
  expect(countRewardIn([...lines, chain(1, true, { total: { unscored: "no judge" } })])?.chains).toBe(3);
  expect(countRewardIn([chain(1, true, { dataset: "vsr" })])).toBeNull();
});
