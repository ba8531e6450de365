import { expect, test } from "vitest";
import { sparkPath } from "./spark.ts";

const FIELD = { width: 100, height: 10 };

test("from edge to edge, the highest on top; values that are missing are passed over", () => {
  expect(sparkPath([0, null, 1, 0.5, 1], FIELD)).toBe("M0.0 10.0L50.0 0.0L75.0 5.0L100.0 0.0");
});

test("too few values have no shape, equal ones a line", () => {
  expect([sparkPath([], FIELD), sparkPath([1, null], FIELD)]).toEqual(["", ""]);
  expect(sparkPath([2, 2], FIELD)).toBe("M0.0 10.0L100.0 10.0");
});

test("a long curve keeps its ends and few points", () => {
  const path = sparkPath(
    Array.from({ length: 9999 }, (_, i) => i),
    { ...FIELD, points: 50 },
  );
  expect(path.split("L").length).toBeLessThanOrEqual(51);
  expect(path).toMatch(/^M0\.0 10\.0L.*L100\.0 0\.0$/);
});
