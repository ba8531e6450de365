import fc from "fast-check";
import { expect, test } from "vitest";
import { chainSpans } from "./chain-spans.ts";

test("boxes, tags and the words between, in order", () => {
  const text = "<think> a [1,2,3,4] b </think>";
  const box = { box: [1, 2, 3, 4] as [number, number, number, number], start: 11, end: 18 };
  expect(chainSpans(text, [{ ...box, duplicate: true }])).toEqual([
    { kind: "tag", text: "<think>", start: 0 },
    { kind: "words", text: " a [", start: 7 },
    { kind: "box", text: "1,2,3,4", start: 11, box: 0, flaws: ["written before"] },
    { kind: "words", text: "] b ", start: 18 },
    { kind: "tag", text: "</think>", start: 22 },
  ]);
});

test("the spans join to the text, whatever the boxes' ranges", () => {
  const range = fc.record({ start: fc.integer({ min: -2, max: 40 }), end: fc.integer({ min: -2, max: 40 }) });
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.array(range, { maxLength: 4 }), (text, ranges) => {
      const spans = chainSpans(
        text,
        ranges.map(({ start, end }) => ({ box: [0, 0, 1, 1], start: Math.max(0, start), end })),
      );
      expect(spans.map((span) => span.text).join("")).toBe(text);
      for (const { start, text: piece } of spans) expect(text.startsWith(piece, start)).toBe(true);
    }),
  );
});
