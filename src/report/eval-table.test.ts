import { expect, it } from "vitest";
import { compareEvaluations } from "../eval/compare.ts";
import { makeEvaluation } from "../eval/fixtures.ts";
import { paperTable } from "../eval/paper-table.ts";
import { comparisonText } from "./eval-comparison.ts";
import { csvTable, markdownTable, terminalTable } from "./eval-table.ts";

const whole = makeEvaluation([1, 1, 1, 1], { name: "direct" });
const partial = makeEvaluation([1, null, 1, 1], { name: "cot" });
const table = paperTable([whole, partial], { published: true });

it("prints the table for a terminal: sets above, numbers over half their intervals, partial ones without a number", () => {
  const lines = terminalTable(table).split("\n");
  expect(lines.slice(0, 3)).toEqual([
    expect.stringMatching(/^ +vsr \(4\)$/),
    expect.stringMatching(/^ +ACC +IoU$/),
    expect.stringMatching(/^─+$/),
  ]);
  expect(lines.slice(3, 7).map((line) => line.replace(/ +/g, " "))).toEqual([
    "direct 100.0 0.100",
    " 95 % ±0.0 ±0.000",
    "cot partial 75 % 0.075",
    expect.stringMatching(/^ 95 % ±0\.0\d\d$/),
  ]);
  expect(lines.find((line) => line.includes("Qwen2.5-VL-3B, GRIT"))).toMatch(/72\.9 +0\.325$/);
  expect(new Set(lines.slice(0, 4).map((line) => line.length)).size).toBe(1);
});

it("writes Markdown whose rows have equally many cells", () => {
  const rows = markdownTable(table).split("\n\n")[0]!.split("\n");
  expect(rows[0]).toBe("| method | vsr (4) ACC | vsr (4) IoU |");
  expect(rows[2]).toBe("| direct | 100.0 ±0.0 | 0.100 ±0.000 |");
  expect(rows[3]).toMatch(/^\| cot \| partial 75 % \| 0\.075 ±0\.0\d\d \|$/);
  expect(new Set(rows.map((row) => row.split("|").length)).size).toBe(1);
});

it("writes CSV with every end of every interval, and nothing for a partial number", () => {
  const rows = csvTable(table).split("\n");
  expect(rows[0]).toBe(
    "method,seeds,vsr ACC,vsr ACC low,vsr ACC high,vsr ACC coverage,vsr IoU,vsr IoU low,vsr IoU high,vsr IoU coverage",
  );
  expect(rows[1]).toMatch(/^direct,1,1,1,1,1,0\.1,/);
  expect(rows[2]).toMatch(/^cot,1,,,,0\.75,0\.07/);
  expect(rows[3]).toMatch(/^"Qwen2\.5-VL-3B, Direct query \(paper\)",0,0\.495,,,1,0,,,1$/);
});

it("says which field differs before it says which number does", () => {
  const after = makeEvaluation([0, 0, 1, 1], { name: "direct", judge: "other" });
  const text = comparisonText(whole, after, compareEvaluations(whole, after));
  expect(text.indexOf('judge  "exact"  →  "other"')).toBeGreaterThan(0);
  expect(text.indexOf("judge")).toBeLessThan(text.indexOf("100.0"));
  expect(text).toMatch(/vsr +4 +100\.0 +50\.0 +−50\.0 +−100\.0 … 0\.0 +0\.500/);
  const cut = comparisonText(whole, partial, compareEvaluations(whole, partial));
  expect(cut).toMatch(/vsr +– +– +– +partial 75 %/);
  const same = comparisonText(whole, whole, compareEvaluations(whole, whole));
  expect(same).toContain("agree in every field");
});
