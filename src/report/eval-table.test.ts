import { expect, it } from "vitest";
import { compareEvaluations } from "../evaluation/compare-evaluations.ts";
import { makeEvaluation, makeMeasured } from "../evaluation/manifest-fixture.ts";
import { paperTable } from "../tables/paper-table.ts";
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

it("puts sets that have no room on a narrow terminal below the others, each with the names of the rows", () => {
  const names = ["vsr", "tallyqa", "gqa", "mathvista_mini", "mme", "ovd_position"];
  const sets = Object.fromEntries(names.map((name) => [name, { samples: 4, sha256: name }]));
  const asked = makeEvaluation([1, 1, 1, 1], { name: "direct", sets });
  const samples = names.flatMap((set) => asked.samples.map((each) => ({ ...each, id: `${set} ${each.id}`, set })));
  const wide = paperTable([{ ...asked, samples }], { published: true });
  const paperPart = (width?: number) => terminalTable(wide, width).split("\nACC: ")[0]!;
  expect(paperPart().split("\n")[0]!.length).toBeGreaterThan(100);
  const narrow = paperPart(80);
  expect(Math.max(...narrow.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  const parts = narrow.trimEnd().split("\n\n");
  expect(parts).toHaveLength(3);
  for (const part of parts) expect(part).toMatch(/^direct .*\n {2}95 % /m);
  for (const name of names) expect(narrow.split(`${name} (4)`)).toHaveLength(2);
  const tables = terminalTable(wide, 80)
    .split("\n")
    .filter((line) => !/: /.test(line));
  expect(Math.max(...tables.map((line) => line.length))).toBeLessThanOrEqual(80);
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
  const heads = ["ACC", "IoU", "binarised ACC", "raw IoU", "box F1"].map((name) => `vsr ${name}`);
  const ends = heads.flatMap((head) => [head, `${head} low`, `${head} high`, `${head} coverage`]);
  expect(rows[0]).toBe(["method", "seeds", ...ends].join(","));
  expect(rows[1]).toMatch(/^direct,1,1,1,1,1,0\.1,/);
  expect(rows[2]).toMatch(/^cot,1,,,,0\.75,0\.07/);
  expect(rows[3]).toMatch(/^"Qwen2\.5-VL-3B, Direct query \(paper\)",0,0\.495,,,1,0,,,1,,,,,0,,,1,,,,$/);
});

it("says which field differs before it says which number does", () => {
  const after = makeEvaluation([0, 0, 1, 1], { name: "direct", judge: { name: "other" } });
  const text = comparisonText(whole, after, compareEvaluations(whole, after));
  expect(text.indexOf('judge.name  "exact"  →  "other"')).toBeGreaterThan(0);
  expect(text.indexOf("judge")).toBeLessThan(text.indexOf("100.0"));
  expect(text).toMatch(/vsr +4 +100\.0 +50\.0 +−50\.0 +−100\.0 … 0\.0 +0\.500/);
  const cut = comparisonText(whole, partial, compareEvaluations(whole, partial));
  expect(cut).toMatch(/vsr +– +– +– +partial 75 %/);
  const same = comparisonText(whole, whole, compareEvaluations(whole, whole));
  expect(same).toContain("agree in every field");
});

const raw = makeMeasured(
  [1, 0.5, 0.25, 0].map((acc) => ({ acc, giou: 0.5, giouRaw: 0.25, f1: 0.75 })),
  { name: "direct" },
);

it("puts what else was measured below: raw IoU beside the published", () => {
  const measured = paperTable([raw, partial], { published: true });
  const lines = terminalTable(measured).split("\n");
  const at = lines.findIndex((line) => line.startsWith("also measured"));
  expect(lines.slice(at).map((line) => line.replace(/ +/g, " "))).toEqual(
    expect.arrayContaining([
      "also measured set binarised ACC, % raw IoU box F1",
      "direct vsr 50.0 ±50.0 0.250 ±0.000 0.750 ±0.000",
      expect.stringMatching(/^cot vsr partial 75 % 0\.075 ±0\.0\d\d 0\.075 ±0\.0\d\d$/),
      "Qwen2.5-VL-3B, GRIT (paper) vsr – 0.325 –",
    ]),
  );
  expect(markdownTable(measured)).toContain("| direct | vsr | 50.0 ±50.0 | 0.250 ±0.000 | 0.750 ±0.000 |");
});

it("compares what else was measured where both have it whole", () => {
  const better = makeMeasured(
    raw.samples.map(({ acc }) => ({ acc, giou: 0.5, giouRaw: 0.5, f1: 0.75 })),
    { name: "grit" },
  );
  const text = comparisonText(raw, better, compareEvaluations(raw, better));
  expect(text).toMatch(/^vsr +raw IoU +4 +0\.250 +0\.500 +\+0\.250 +\+0\.250 … \+0\.250 +0\.125$/m);
  expect(text).toMatch(/^vsr +binarised ACC, % +4 +50\.0 +50\.0/m);
  expect(text).not.toContain("letter accuracy");
  const cut = comparisonText(raw, partial, compareEvaluations(raw, partial));
  expect(cut).toMatch(/^vsr +raw IoU/m);
  expect(cut).not.toContain("binarised");
});

const asked = makeMeasured([
  { yesNo: { truth: "yes", said: "yes" } },
  { yesNo: { truth: "no", said: "yes" } },
  { choice: 1 },
  { choice: 1 },
]);
const begun = makeMeasured([{ choice: 0 }], { name: "a|b" }, 4);
const kinds = paperTable([asked, begun]);

it("puts yes/no and letters below all others, a row for each method and set", () => {
  const text = terminalTable(kinds);
  const above = terminalTable({ ...kinds, rows: kinds.rows.map((row) => ({ ...row, cells: paperOnly(row.cells) })) });
  expect(text.startsWith(`${above}\n\n`)).toBe(true);
  const lines = text.slice(above.length).split("\n");
  expect(lines.filter((line) => line !== "" && !/^─|: /.test(line)).map((line) => line.replace(/ +/g, " "))).toEqual([
    "yes/no set n accuracy precision recall F1 yes share",
    "grit vsr 2 50.0 ±50.0 50.0 ±50.0 100.0 ±0.0 66.7 ±50.0 100.0 ±0.0",
    `a|b vsr – ${Array(5).fill("partial 25 %").join(" ")}`,
    "letter set n accuracy",
    "grit vsr 2 100.0 ±0.0",
    "a|b vsr – partial 25 %",
  ]);
});

it("writes them as tables of their own in Markdown", () => {
  const blocks = markdownTable(kinds).split("\n\n");
  const rows = blocks.filter((block) => /^\| (?:yes|letter)/.test(block)).map((block) => block.split("\n"));
  expect(rows.map((lines) => lines[2])).toEqual([
    "| grit | vsr | 2 | 50.0 ±50.0 | 50.0 ±50.0 | 100.0 ±0.0 | 66.7 ±50.0 | 100.0 ±0.0 |",
    "| grit | vsr | 2 | 100.0 ±0.0 |",
  ]);
  for (const lines of rows) expect(new Set(lines.map((line) => line.split(/(?<!\\)\|/).length)).size).toBe(1);
});

it("appends them to the CSV's columns, which stay a table", () => {
  const rows = csvTable(kinds)
    .split("\n")
    .map((row) => row.split(","));
  const paper = csvTable(table).split("\n")[0]!.split(",");
  expect(rows[0]!.slice(0, paper.length)).toEqual(paper);
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  const value = (row: number, head: string) => rows[row]![rows[0]!.indexOf(head)];
  const heads = [
    "vsr yes/no n",
    "vsr yes/no F1",
    "vsr yes/no F1 low",
    "vsr yes/no F1 coverage",
    "vsr letter accuracy high",
  ];
  expect(heads.map((head) => value(1, head))).toEqual(["2", String(2 / 3), "0", "1", "1"]);
  expect(heads.map((head) => value(2, head))).toEqual(["", "", "", "0.25", ""]);
});

it("says in the CSV of how many samples a limited set is the beginning", () => {
  const limited = { ...table, sets: table.sets.map((set) => ({ ...set, of: 288 })) };
  for (const row of csvTable(limited).split("\n").slice(1)) expect(row).toMatch(/,4,288$/);
  expect(csvTable(limited).split("\n")[0]).toMatch(/,vsr first,vsr of$/);
});

/** Cells without the kinds of questions. */
function paperOnly(cells: (typeof kinds.rows)[number]["cells"]): typeof cells {
  return Object.fromEntries(Object.entries(cells).map(([set, { yesNo: _, choice: __, ...paper }]) => [set, paper]));
}
