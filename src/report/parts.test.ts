/** @file The small functions the page is made of. */

import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { BoxLine, Change, ReadAnswer, RolloutLine, Summary } from "../run/lines.ts";
import { chainsSection } from "./chain-cards.ts";
import { chainText } from "./chain-text.ts";
import { lineChart, movingMean, niceTicks } from "./chart.ts";
import { pickExamples, pickStories } from "./examples.ts";
import { html } from "./html.ts";
import { compact, duration, fractionGain, listed, percent, points } from "./number-format.ts";
import { Pictures } from "./picture.ts";
import { beforeAfterSection, rowsSection } from "./results.ts";
import { judge, outcome } from "./run-verdict.ts";
import { beforeAfterTable, rowsTable } from "./text-table.ts";

describe("html", () => {
  test("no text leaves an attribute or becomes a tag", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { markup } = html`<p title="${text}">${text}</p>`;
        expect(markup).toMatch(/^<p title="[^"<>']*">[^<>"']*<\/p>$/s);
      }),
    );
  });

  test("joins lists, drops nothing at all, keeps zero", () => {
    expect(html`<b>${[1, html`<i>${"<"}</i>`]}${undefined}${null}${false}${0}</b>`.markup).toBe(
      "<b>1<i>&#60;</i>0</b>",
    );
  });

  test("replaces the control characters that HTML forbids", () => {
    expect(html`${"a\u0000b\u001bc\nd\te"}`.markup).toBe("a\ufffdb\ufffdc\nd\te");
  });
});

describe("numbers", () => {
  test("read as people write them", () => {
    expect([percent(0.8512), points(0.353), points(-0.031), points(0), percent(null)]).toEqual([
      "85.1",
      "+35.3",
      "−3.1",
      "0.0",
      "–",
    ]);
    expect([fractionGain(0.7184), fractionGain(-0.0001)]).toEqual(["+0.718", "0.000"]);
    expect([0, 4.06e-6, 0.0271, 0.492, 2.613, 99.94, 148.4, 12345, 6.2e6].map(compact)).toEqual(
      ["0", "4.1e−6", "0.0271", "0.492", "2.61", "99.9", "148", "12.3k", "6.2M"], // biome-ignore format: one line
    );
    expect([4.21, 59.7, 125, 7190].map(duration)).toEqual(["4.2 s", "1 min 00 s", "2 min 05 s", "1 h 59 min"]);
    expect([listed([]), listed(["a"]), listed(["a", "b", "c"])]).toEqual(["", "a", "a, b and c"]);
  });
});

describe("charts", () => {
  test("ticks are few, round and span the values", () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((v) => v === 0 || Math.abs(v) > 1e-9);
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const ticks = niceTicks(values);
        const slack = (ticks[1]! - ticks[0]!) * 1e-6;
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
        expect(ticks[0]!).toBeLessThanOrEqual(Math.min(...values) + slack);
        expect(ticks.at(-1)!).toBeGreaterThanOrEqual(Math.max(...values) - slack);
      }),
    );
  });

  test("ticks are numbers, however large or small the values", () => {
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const ticks = niceTicks(values);
        expect(ticks.every(Number.isFinite)).toBe(true);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  test("a missing value breaks the line; a chart without values is none", () => {
    const chart = { title: "t", note: "", steps: [1, 2, 3, 4, 5] };
    const { markup } = lineChart({ ...chart, series: [{ name: "s", values: [1, 2, null, 4, 5] }] })!;
    const path = /class="line c0" d="([^"]+)"/.exec(markup)![1]!;
    expect(path.match(/M/g)).toHaveLength(2);
    expect(markup).not.toContain("NaN");
    expect(
      lineChart({ ...chart, series: [{ name: "s", values: [null, undefined, null, null, null] }] }),
    ).toBeUndefined();
  });

  test("one step alone draws without a division by zero", () => {
    const { markup } = lineChart({
      title: "t",
      note: "",
      steps: [7],
      series: [{ name: "s", values: [0.5] }],
      spread: [0.1],
    })!;
    expect(markup).not.toMatch(/NaN|Infinity/);
  });

  test("the moving mean is centred and skips what is missing", () => {
    expect(movingMean([1, 2, 3, null, 7], 3)).toEqual([1.5, 2, 2.5, null, 7]);
  });
});

describe("chain text", () => {
  const box = (start: number, end: number): BoxLine => ({ box: [0, 0, 1, 1], start, end });

  test("loses no character, wherever the boxes stand", () => {
    const ranges = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 })), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 40 }).map((text) => `x${text}`),
        ranges,
        (text, pairs) => {
          const { markup } = chainText(
            text,
            pairs.map(([start, end]) => box(start, end)),
          );
          const plain = markup
            .replaceAll(/<[^>]*>/g, "")
            .replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
          expect(plain).toBe(text);
        },
      ),
    );
  });

  test("sets the tags apart and names a box's flaws", () => {
    const { markup } = chainText("<think> [1,2,3,4]", [{ ...box(8, 17), duplicate: true }]);
    expect(markup).toContain('<span class="tag">&#60;think&#62;</span>');
    expect(markup).toContain('title="box 1, written before"');
  });
});

describe("pictures", () => {
  test("a large image is shrunk as stored, without its EXIF orientation; boxes keep its own pixels", async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), "grit-pictures-"));
    const photo = sharp({ create: { width: 1200, height: 900, channels: 3, background: "#468" } });
    await photo.withMetadata({ orientation: 6 }).jpeg().toFile(path.join(dir, "photo.jpg"));
    const pictures = new Pictures(dir);
    const scene = { image: "photo.jpg", width: 1200, height: 900 };
    const { markup } = pictures.figure(
      scene,
      [{ box: [600, 450, 500, 450], start: 0, end: 1 }],
      [[0, 0, 1200, 900]],
      "a photo",
    );
    expect(markup).toContain('viewBox="0 0 1200 900"');
    expect(markup).toContain('d="M600 450H500V450H600Z"');
    expect(markup).toContain('class="truth" d="M0 0H1200V900H0Z"');
    const [, base64] = /data:image\/jpeg;base64,([^"]+)/.exec((await pictures.gallery()).markup)!;
    const { width, height, orientation } = await sharp(Buffer.from(base64!, "base64")).metadata();
    expect([width, height, orientation]).toEqual([480, 360, undefined]);
    await rm(dir, { recursive: true });
  });
});

describe("examples", () => {
  const sample = (id: number, acc: number): ReadAnswer => ({
    id: String(id), dataset: "vsr", set: "vsr", image: "i.png", width: 1, height: 1, question: "", answer: "", text: "",
    boxes: [], gtBoxes: [], acc, giou: null, ending: "stop", tokens: 1,
  }); // biome-ignore format: a record on three lines

  test("follow the stated rule, in file order", () => {
    const before = [0, 1, 0, 1, 0, 1, 0, 1].map((acc, id) => sample(id, acc));
    const after = before.map((line) => ({ ...line, acc: 1 - line.acc! }));
    const picked = pickExamples(before, after).map(({ sample: { id }, why }) => `${id} ${why}`);
    expect(picked).toEqual([
      "0 first",
      "1 first",
      "2 became right",
      "4 became right",
      "3 became wrong",
      "5 became wrong",
    ]);
  });

  test("an answer that could not be scored has become neither right nor wrong, however good its boxes", () => {
    const lost = (id: number) => ({ ...sample(id, 0), acc: null, giou: 1, unscored: "the judge did not answer" });
    const before = [0, 1, 2, 3].map((id) => sample(id, id % 2));
    const picked = pickExamples(before, [...before.slice(0, 2), lost(2), lost(3)]);
    expect(picked.map(({ why }) => why)).toEqual(["first", "first"]);
    const { markup } = chainsSection([], [lost(0)], new Pictures("."));
    expect(markup).toContain('<span class="none">unscored: the judge did not answer</span>');
    expect(markup).toContain("<p>answer:");
    expect(markup).not.toMatch(/✓|✗/);
  });

  test("stories follow two prompts of each data set, one group a step", () => {
    const line = (step: number, id: string, dataset: string, group: number) =>
      ({ step, id, dataset, group }) as RolloutLine;
    const first = ["a", "a", "b", "c"].map((id, i) => line(1, id, "vsr", i)).concat(line(1, "d", "tallyqa", 4));
    const last = [line(9, "d", "tallyqa", 0), line(9, "a", "vsr", 1)];
    const stories = pickStories([first, last]);
    expect(stories.map((story) => story.prompt.id)).toEqual(["a", "b", "d"]);
    expect(stories[0]!.moments.map(({ step, members }) => [step, members.length])).toEqual([
      [1, 1],
      [9, 1],
    ]);
  });
});

describe("verdict and tables", () => {
  const change = (before: number, after: number, half: number): Change => ({
    before, after, gain: after - before, low: after - before - half, high: after - before + half,
  }); // biome-ignore format: a record on three lines
  const row = (name: string, acc: number) => ({
    name,
    sets: { vsr: { acc, giou: 0.5, n: 100, accLow: acc - 0.05, accHigh: acc + 0.05 } },
  });
  const folder = (summary: Summary) => ({
    dir: "",
    run: undefined,
    metrics: [],
    rolloutSteps: [],
    evals: new Map(),
    summary,
  });

  test("a change counts only with its whole interval on one side", () => {
    expect([change(0.5, 0.6, 0.05), change(0.5, 0.6, 0.2), change(0.6, 0.5, 0.05)].map(outcome)).toEqual([
      "rose",
      "unclear",
      "fell",
    ]);
  });

  test("the headline tells metrics apart", () => {
    const sets = {
      vsr: { n: 9, acc: change(0.5, 0.51, 0.1), giou: change(0, 0.7, 0.1) },
      gqa: { n: 9, acc: change(0.9, 0.7, 0.1), giou: null },
    };
    const { headline, reading, trainedSets } = judge(folder({ sets }), new Set(["vsr"]));
    expect(headline).toBe("Accuracy did not clearly change on vsr; grounding IoU rose on vsr.");
    expect(reading[0]).toBe("On the set not trained on, none rose beyond noise; these fell: gqa (accuracy).");
    expect(reading[1]).toContain("cannot tell learning to see from learning to look");
    expect(trainedSets).toEqual(["vsr"]);
  });

  test.each([
    [0.95, "went beyond the untrained base"],
    [0.85, "does not clearly exceed the untrained base"],
    [0.8, "does not exceed the untrained base"],
  ])("against a forced row of .80, %f %s", (acc, words) => {
    const reading = (before: number) => {
      const sets = { vsr: { n: 9, acc: change(before, acc, 0.1), giou: null } };
      const rows = [row("forced to look", 0.8), row("GRPO-GR", acc)];
      return judge(folder({ sets, rows }), new Set()).reading.join(" ");
    };
    expect(reading(0.5)).toContain(words);
    // A style can only have been learned where there is a gain to explain.
    expect(reading(0.5).includes("The gain")).toBe(acc < 0.95);
    expect(reading(acc)).not.toContain("The gain");
  });

  test("the terminal's tables align", () => {
    const summary: Summary = {
      sets: {
        vsr: { n: 300, acc: change(0.61, 0.853, 0.061), giou: change(0.012, 0.731, 0.024) },
        mme: { n: 50, acc: change(0.9, 0.893, 0.04), giou: null },
      },
      rows: [row("direct query", 0.7), row("GRPO-GR", 0.853)],
    };
    expect(beforeAfterTable(summary)).toBe(
      [
        "accuracy, %    n  before  after   gain           95 %",
        "────────────────────────────────────────────────────────",
        "vsr          300    61.0   85.3  +24.3  +18.2 … +30.4  ▲",
        "mme           50    90.0   89.3   −0.7    −4.7 … +3.3  ·",
        "",
        "grounding IoU    n  before  after    gain             95 %",
        "─────────────────────────────────────────────────────────────",
        "vsr            300   0.012  0.731  +0.719  +0.695 … +0.743  ▲",
      ].join("\n"),
    );
    expect(rowsTable(summary)).toBe(
      [
        "accuracy, %                vsr",
        "──────────────────────────────",
        "direct query  70.0 (65.0–75.0)",
        "GRPO-GR       85.3 (80.3–90.3)",
        "",
        "grounding IoU    vsr",
        "────────────────────",
        "direct query   0.500",
        "GRPO-GR        0.500",
      ].join("\n"),
    );
    expect(beforeAfterTable({})).toContain("No set");
  });

  test("an accuracy that samples are missing from is marked partial wherever it would stand", () => {
    const vsr = { ...row("", 0.7).sets.vsr, acc: null, accLow: null, accHigh: null, coverage: 0.987 };
    const summary: Summary = {
      sets: { vsr: { n: 300, acc: null, giou: change(0.012, 0.731, 0.024), coverage: 0.29 } },
      rows: [row("direct query", 0.7), { name: "GRPO-GR", sets: { vsr } }],
    };
    expect(beforeAfterTable(summary)).toMatch(/^vsr +300 +– +– +– +partial 29 %$/m);
    expect(rowsTable(summary)).toMatch(/^GRPO-GR +partial 98 %$/m);
    expect(beforeAfterSection(summary, ["vsr"]).markup).toContain('<td class="none" colspan="4">partial 29 %</td>');
    expect(rowsSection(summary).markup).toMatch(/partial 98 %<\/span><br><small>IoU 0\.500/);
    const { headline, reading } = judge(folder(summary), new Set());
    expect(headline).toBe("Grounding IoU rose on vsr.");
    expect(reading).toContain("No accuracy is given where answers could not be scored: vsr (partial 29 %).");
  });
});
