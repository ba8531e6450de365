/** @file The page of evaluations: what is on it, and that nothing a model wrote leaves its place. */
import { expect, it } from "vitest";
import { makeEvaluation } from "../evaluation/manifest-fixture.ts";
import type { AnsweredEvaluation } from "../evaluation/read-evaluations.ts";
import type { Answered } from "../run/lines.ts";
import { paperTable } from "../tables/paper-table.ts";
import { evaluationPage } from "./eval-page.ts";
import { HOSTILE } from "./synthetic-run.ts";

/** An evaluation whose samples say `text`. */
function answered(name: string, accs: readonly (number | null)[], text: string): AnsweredEvaluation {
  const evaluation = makeEvaluation(accs, { name });
  const samples = evaluation.samples.map(
    (measured): Answered => ({
      ...measured,
      dataset: "vsr",
      image: "none.png",
      sha256: "0",
      width: 100,
      height: 80,
      question: `question of ${measured.id}`,
      answer: "yes",
      text,
      response: text,
      boxes: [{ box: [10, 10, 40, 40], start: 0, end: 2 }],
      gtBoxes: [[12, 12, 40, 40]],
      ending: "stop",
      tokens: 3,
      ...(measured.acc === null && { unscored: "the judge did not answer" }),
    }),
  );
  return { ...evaluation, samples };
}

const page = (...evaluations: AnsweredEvaluation[]) => evaluationPage(paperTable(evaluations), evaluations);
const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length;

it("shows the table, each sample once with every row's answer, and how it was asked", async () => {
  const text = await page(answered("direct", [1, 0], "yes"), answered("cot", [1, 1], "no"));
  expect(text).toContain("2 rows on 1 set: direct and cot");
  expect(count(text, /<article class="story sample"/g)).toBe(2);
  expect(count(text, /<svg class="picture"/g)).toBe(4);
  expect(text).toContain('data-outcome="all right"');
  expect(text).toContain('data-outcome="disagreed on"');
  for (const id of ["table", "samples", "manifests"]) expect(text).toContain(`<section id="${id}">`);
});

it("shows what else was measured", async () => {
  const text = await page(answered("direct", [1, 0], "yes"));
  expect(text).toMatch(
    /<th scope="col">binarised ACC, %<\/th><th scope="col">raw IoU<\/th><th scope="col">box F1<\/th>/,
  );
  expect(text).toMatch(/<th scope="row">direct<\/th><td>vsr<\/td><td>50\.0 ±50\.0<\/td><td>0\.050 ±0\.050<\/td>/);
});

it("shows yes/no and letters where they were asked, and only there", async () => {
  const plain = answered("direct", [1, 0], "yes");
  expect(await page(plain)).not.toContain("yes share");
  const samples = plain.samples.map(
    (sample, i): Answered => (i === 0 ? { ...sample, yesNo: { truth: "yes", said: "yes" } } : { ...sample, choice: 0 }),
  );
  const text = await page({ ...plain, samples });
  expect(text).toMatch(/<th scope="col">yes share<\/th>/);
  expect(text).toMatch(/<th scope="row">direct<\/th><td>vsr<\/td><td>1<\/td>(?:<td>100\.0 ±0\.0<\/td>){5}<\/tr>/);
  expect(text).toMatch(/<td>vsr<\/td><td>1<\/td><td>0\.0 ±0\.0<\/td><\/tr>/);
});

it("names partial rows, and gives them no number", async () => {
  const text = await page(answered("direct", [1, null], "yes"));
  expect(text).toContain("Partial, without numbers yet: direct.");
  expect(text).toContain("partial 50 %");
  expect(text).not.toContain("<b>100.0</b>");
});

it("names rows that are partial in a further table alone", async () => {
  const direct = answered("direct", [1, 1], "yes");
  const table = paperTable([direct]);
  const choice = { n: undefined, numbers: [{ value: null, coverage: 0.5 }] };
  const rows = table.rows.map((row) => ({ ...row, cells: { vsr: { ...row.cells.vsr, choice } } }));
  expect(await evaluationPage(table, [direct])).not.toContain("Partial, without");
  expect(await evaluationPage({ ...table, rows }, [direct])).toContain("Partial, without numbers yet: direct.");
});

it("shows of a long set the first samples, then those on which rows disagree", async () => {
  const accs = Array.from({ length: 60 }, (_, i) => Number(i < 30));
  const text = await page(
    answered("direct", accs, "yes"),
    answered(
      "cot",
      accs.map((acc, i) => (i === 55 ? 1 - acc : acc)),
      "yes",
    ),
  );
  expect(count(text, /<article class="story sample"/g)).toBe(13);
  expect(text).toContain("question of vsr-55");
});

it("shows why an answer is unscored, calls it neither right nor wrong, and finds it by a filter", async () => {
  const right = answered("direct", Array(30).fill(1), "yes");
  const accs = right.samples.map((_, i) => (i === 20 ? null : 1));
  const judged = answered("cot", accs, "yes");
  // Boxes that fit do not make an answer right.
  const samples = judged.samples.map((sample) => ({ ...sample, giou: 1 }));
  const text = await page(right, { ...judged, samples });
  const card = text.split('<article class="story sample"').find((each) => each.includes("question of vsr-20"))!;
  expect(card).toContain('data-outcome="unscored"');
  expect(card).toContain('<h4>cot<span class="none">unscored: the judge did not answer</span></h4>');
  expect(count(card, /✓ right/g)).toBe(1);
  expect(text).toMatch(/<button type="button" data-filter="outcome" data-value="unscored"/);
  expect(text).not.toContain("✗ wrong");
});

it("keeps hostile text in its place: the only script is ours", async () => {
  const text = await page(answered("direct", [1], HOSTILE));
  expect(count(text, /<script/g)).toBe(1);
  expect(count(text, /<\/script/g)).toBe(1);
  expect(count(text, /<img/g)).toBe(0);
});
