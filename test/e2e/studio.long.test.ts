/**
 * @file The studio's page in Chromium: every view over a made-up run, a run that trains while it is looked at, and the tiny models
 * asked. Skipped, with a message, where there is no Chromium.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRecipe } from "../../src/config/recipe.ts";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { writeSyntheticRun } from "../../src/report/synthetic-run.ts";
import type { CheckFile } from "../../src/run/check-file.ts";
import { openStudio } from "../../src/studio/open-studio.ts";
import { train } from "../../src/train.ts";
import { scratch } from "../tiny.ts";
import { CHROMIUM, openBrowser, openPage } from "./browser.ts";

if (!CHROMIUM)
  console.warn("The studio's page is not tested: no Chromium (apt-get install chromium, or set GRIT_CHROMIUM).");

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is read comes to be as expected, also on a busy machine. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 120_000 });

/** What axe finds wrong with the page, one text a kind. */
async function violations(page: Page): Promise<string[]> {
  // The page's policy forbids scripts in the document; this one comes through the debugger.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    interface Violation {
      readonly id: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }
    const found = await axe.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`);
  });
}

describe.skipIf(!CHROMIUM)("the studio in Chromium", () => {
  const runs = scratch();
  const scenes = scratch();
  let browser: Browser;
  let studio: Awaited<ReturnType<typeof openStudio>>;

  beforeAll(async () => {
    await writeSyntheticRun(join(runs, "first"), { steps: 40, perSet: 1 });
    await writeSyntheticRun(join(runs, "second"), { steps: 20, perSet: 1 });
    await renderSets({ out: scenes, seed: 1, counts: { train: 20, val: 1 } });
    checked("first", join(scenes, "tallyqa_train_20.jsonl"), join(scenes, "vsr_val.jsonl"));
    evaluatedAlone("first", "alone");
    [studio, browser] = await Promise.all([openStudio(runs, 0), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await studio?.close(0);
  });

  /** Names the data in a run's recipe, and makes up a check of it. */
  function checked(run: string, train: string, held: string): void {
    const data = { train: [train], eval: { vsr: held } };
    writeFileSync(join(runs, run, "run.json"), JSON.stringify({ recipe: { method: "grit", steps: 40, data } }));
    const scores = Array.from({ length: 32 }, (_, i) => (i % 7) / 6);
    const found: CheckFile = {
      recipe: "my/recipe.yaml",
      made: "2026-01-02T03:04:05.000Z",
      data,
      refusals: [
        {
          key: "answer",
          what: "is a number.",
          remedy: "Write it as a text.",
          at: [{ file: train, line: 17 }],
        },
      ],
      warnings: [{ key: "optimizer.lr", what: "The learning rate is 0: nothing is learned.", remedy: "Raise it." }],
      figures: {
        ...{ samples: 20, images: 20, longestPrompt: 312, contextLength: 4096, groups: 8, groupSize: 4, inForm: 0.8 },
        ...{ cutOff: 0.03, teaching: 0.75, memory: { peak: 2.1e9, available: 1.6e10 } },
        ...{ disk: { needed: 4e8, free: 9e10 }, seconds: { step: 3.2, run: 640 } },
      },
      terms: ["answer", "grounding", "total"].map((name) => ({ name, mean: 0.5, spread: 0.3, scores, unscored: 0 })),
    };
    mkdirSync(join(runs, `${run}-check`));
    writeFileSync(join(runs, `${run}-check`, "check.json"), JSON.stringify(found));
  }

  /** The answers of a run as `grit eval --out` would have written them. */
  function evaluatedAlone(run: string, name: string): void {
    cpSync(join(runs, run, "eval", "before"), join(runs, name), { recursive: true });
    const file = join(runs, name, "samples.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll('"images/', `"${join(runs, run, "images")}/`));
    writeFileSync(join(runs, name, "manifest.json"), "{}");
  }
  const at = (query: string) => `${studio.url}/?${query}`;

  test.each([
    ["runs", "view=runs", ".run", 1280, "light"],
    ["curves", "view=curves&run=first", ".chart canvas", 1280, "dark"],
    ["curves compared", "view=curves&run=first&with=second", ".recipes", 1280, "light"],
    ["chains", "view=chains&run=first&step=38", ".card", 1280, "light"],
    ["chains, dark", "view=chains&run=first&step=38", ".card", 1280, "dark"],
    ["a chain large", "view=chains&run=first&step=38&group=0&chain=1", "dialog[open]", 1280, "light"],
    ["chains on a phone", "view=chains&run=first&step=38", ".card", 390, "light"],
    ["runs on a phone", "view=runs", ".run", 390, "dark"],
    ["evaluations", "view=evaluations&run=first", ".sets", 1280, "light"],
    ["evaluations on a phone", "view=evaluations&run=first", ".sets", 390, "dark"],
    ["evaluations by themselves", "view=evaluations&eval=alone&against=second/eval/after", ".sets", 1280, "dark"],
    ["data", "view=data&run=first&line=17", ".check", 1280, "light"],
    ["data, dark", "view=data&run=first", ".card .boxed", 1280, "dark"],
    ["data on a phone", "view=data", ".card .boxed", 390, "light"],
    ["try", "view=try", ".examples img", 1280, "light"],
  ] as const)(
    "%s: no violation, no error, nothing wider than the page",
    async (_, query, there, width, colorScheme) => {
      const { page, faults } = await openPage(browser, { width, colorScheme });
      await page.goto(at(query));
      await page.waitForSelector(there);
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(faults).toEqual([]);
      await page.close();
    },
  );

  test("charts that give way to a comparison end without an error", async () => {
    const { page, faults } = await openPage(browser);
    await page.goto(at("view=curves&run=first"));
    await page.waitForSelector(".chart canvas");
    await page.locator(".compare summary").click();
    for (const state of ["visible", "detached", "visible"] as const) {
      await page.locator(".compare input").first().click();
      await page.waitForSelector(".recipes", { state });
    }
    expect(faults).toEqual([]);
    await page.close();
  });

  test("a box and its words light each other, by pointer and by keyboard", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("view=chains&run=first&step=40"));
    const card = page.locator(".card", { has: page.locator("mark") }).first();
    await card.locator("mark").first().hover();
    await expectLit(card.locator('.box[data-box="0"]'));
    await page.mouse.move(0, 0);
    expect(await card.locator(".lit").count()).toBe(0);
    await card.locator('.box[data-box="0"] .line').hover({ position: { x: 1, y: 1 }, force: true });
    await expectLit(card.locator("mark").first());
    await page.mouse.move(0, 0);
    await card.locator("mark").first().focus();
    await expectLit(card.locator('.box[data-box="0"]'));
    await page.close();
  });

  async function expectLit(element: ReturnType<Page["locator"]>): Promise<void> {
    await soon(() => element.getAttribute("class")).toContain("lit");
  }

  test.each([1280, 700, 390])("a box lies where its pixels are, %i wide and large", async (width) => {
    const { page } = await openPage(browser, { width });
    await page.goto(at("view=chains&run=first&step=40"));
    await page.waitForSelector(".card .box");
    const check = async (root: string) => {
      const boxed = page.locator(`${root} .boxed`, { has: page.locator(".box") }).first();
      const line = boxed.locator(".box .line").first();
      const [left, top, right, bottom] = (await line.getAttribute("d"))!.match(/[\d.]+/g)!.map(Number);
      const [image, drawn] = [(await boxed.locator("img").boundingBox())!, (await line.boundingBox())!];
      const [x, y] = [image.width / 200, image.height / 160];
      expect(x).toBeCloseTo(y, 1);
      // The browser counts the stroke, which is as wide on every side.
      const stroke = 2.4;
      expect(drawn.x + stroke / 2 - image.x).toBeCloseTo(left! * x, 0);
      expect(drawn.y + stroke / 2 - image.y).toBeCloseTo(top! * y, 0);
      expect(drawn.width - stroke).toBeCloseTo((right! - left!) * x, 0);
      expect(drawn.height - stroke).toBeCloseTo((bottom! - top!) * y, 0);
    };
    await check(".card");
    await page
      .locator(".card", { has: page.locator(".box") })
      .first()
      .getByRole("button", { name: /Enlarge/ })
      .click();
    await page.waitForSelector("dialog[open] .box");
    await check("dialog");
    await page.close();
  });

  test("filters, search, keys and links that stay", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("view=chains&run=first&step=1"));
    await page.waitForSelector(".card");
    const groups = () => page.locator(".groups li").count();
    expect(await groups()).toBe(4);
    await page.getByRole("button", { name: /^unscored/ }).click();
    await soon(groups).toBe(1);
    expect(page.url()).toContain("outcome=unscored");
    await page.reload();
    await page.waitForSelector(".card");
    expect(await groups()).toBe(1);
    await page.getByRole("button", { name: "Show all chains" }).click();
    await page.getByRole("searchbox").fill("how many blocks?");
    await soon(groups).toBe(1);
    await page.getByRole("searchbox").fill("");
    await soon(groups).toBe(4);
    await page.locator("h1").first().click();
    await page.keyboard.press("j");
    await soon(() => page.url()).toContain("group=1");
    await page.keyboard.press("ArrowRight");
    await soon(() => page.url()).toContain("step=2");
    // The same sample is looked at in the next step.
    await soon(() => page.locator(".group .id").textContent()).toBe("train-1");
    await page.locator(".bins button").last().click();
    await soon(() => page.url()).toMatch(/least=.*most=/);
    await page.close();
  });

  test("a chain large: next and previous by the arrow keys, closed by Escape", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("view=chains&run=first&step=40&group=1"));
    await page.getByRole("button", { name: "Enlarge chain 1" }).click();
    const title = () => page.locator("dialog h2").textContent();
    await soon(title).toBe("Chain 1 of 6");
    await page.keyboard.press("ArrowRight");
    await soon(title).toBe("Chain 2 of 6");
    expect(page.url()).toContain("step=40");
    await page.keyboard.press("Escape");
    await soon(() => page.locator("dialog").count()).toBe(0);
    expect(page.url()).not.toContain("chain=");
    await page.close();
  });

  test("a point of a curve leads to its chains", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("view=curves&run=first"));
    const plot = page.locator(".plot .u-over").first();
    const { width, height } = (await plot.boundingBox())!;
    await plot.click({ position: { x: width - 3, y: height / 2 } });
    await soon(() => page.url()).toMatch(/view=chains.*step=40|step=40.*view=chains/);
    await page.close();
  });

  test("what changed between two evaluations, side by side", async () => {
    const { page } = await openPage(browser);
    await page.goto(at("view=evaluations&run=first&dataset=vsr"));
    await page.waitForSelector(".sets .chosen");
    await soon(() => page.locator(".groups li").count()).toBe(1);
    await soon(() => page.locator(".card").count()).toBe(2);
    await page.waitForSelector(".card .truth");
    await page.getByRole("combobox", { name: "Against" }).selectOption("");
    await soon(() => page.locator(".card").count()).toBe(1);
    await page.close();
  });

  test("an evaluation by itself beside one of a run: what flipped, with images", async () => {
    const { page, faults } = await openPage(browser);
    await page.goto(at("view=evaluations&eval=alone&against=first/eval/after&dataset=vsr"));
    await soon(() => page.locator(".card h2").allTextContents()).toEqual(["alone", "first/after"]);
    const drawn = () =>
      page
        .locator(".card img")
        .evaluateAll((all) => all.map((each) => (each as unknown as { naturalWidth: number }).naturalWidth));
    await soon(drawn).toEqual([200, 200]);
    await page.getByRole("combobox", { name: "Against" }).selectOption("second/eval/after");
    await soon(() => page.locator(".card h2").allTextContents()).toEqual(["alone", "second/after"]);
    expect(faults).toEqual([]);
    await page.close();
  });

  test("data: what was found leads to its line, a box and its numbers light each other, filters, keys, another file", async () => {
    const { page, faults } = await openPage(browser);
    await page.goto(at("view=data&run=first"));
    await page.getByText("Figures and rewards").click();
    await page.waitForSelector(".spread");
    expect(await violations(page)).toEqual([]);
    await page.getByText("Figures and rewards").click();
    await page.getByRole("link", { name: "line 17" }).click();
    const shown = () => page.locator(".group .id").textContent();
    await soon(shown).toMatch(/line 17$/);
    expect(await page.locator(".group .note").textContent()).toContain("Write it as a text.");
    await page.locator("h1").first().click();
    await page.keyboard.press("j");
    await soon(shown).toMatch(/line 18$/);
    await page.getByRole("searchbox").fill("train-0003");
    await soon(() => page.getByRole("status").textContent()).toBe("1 of 20 samples");
    await soon(shown).toMatch(/line 4$/);
    await page.reload();
    await soon(shown).toMatch(/line 4$/);
    await page.getByRole("searchbox").fill("");
    // The line of the address is shown again, now that the filter lets it.
    await soon(shown).toMatch(/line 18$/);
    await page.locator(".quads button").first().focus();
    await expectLit(page.locator('.box[data-box="0"]'));
    await page.locator('.box[data-box="0"] .line').hover({ position: { x: 1, y: 1 }, force: true });
    await expectLit(page.locator(".quads button").first());
    await page.getByRole("combobox", { name: "Data file" }).selectOption({ index: 1 });
    await soon(() => page.getByRole("status").textContent()).toBe("1 of 1 samples");
    expect(faults).toEqual([]);
    await page.close();
  });

  test("the tiny base is asked, and draws its boxes", async () => {
    const { page, faults } = await openPage(browser);
    await page.goto(at("view=try"));
    await page.locator(".examples button").nth(1).click();
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await soon(() => page.locator(".answer .text").textContent()).toMatch(/<answer>/);
    expect(faults).toEqual([]);
    await page.close();
  });

  test("a run is seen while it trains", async () => {
    const { page, faults } = await openPage(browser);
    await page.goto(at("view=runs"));
    await page.waitForSelector(".run");
    const overrides = [
      `data.train=[${join(scenes, "vsr_train_20.jsonl")}]`,
      "steps=5",
      "prompts_per_step=2",
      "group_size=2",
      "sampling.max_tokens=24",
      "data.eval={}",
      "eval.every=0",
    ];
    const recipe = await loadRecipe("tiny", overrides, { files: true });
    const training = train(recipe, { run: join(runs, "live") });
    // What changes is told while it trains, without anything being clicked.
    await page.waitForSelector(".run:has-text('live') .state.training");
    await soon(() => page.locator(".run", { hasText: "live" }).textContent()).toMatch(/[1-4] of 5 steps/);
    await training;
    await page.waitForSelector('a:text-is("live")');
    await soon(() => page.locator(".run", { hasText: "live" }).textContent()).toMatch(/5 of 5 steps/);
    await page.getByRole("link", { name: "live", exact: true }).click();
    await page.waitForSelector(".card");
    await page.getByRole("button", { name: "Token probabilities" }).click();
    await page.waitForSelector(".card .token");
    expect(await page.locator(".now").textContent()).toBe("step 5");
    expect(await violations(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.close();
  });
});
