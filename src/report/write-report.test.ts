/** @file The page as a whole: what is on it, what can not get out of its place, and runs that are not finished. */

import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserError } from "../util/errors.ts";
import { HOSTILE, writeSyntheticRun } from "./synthetic-run.ts";
import { writeReport } from "./write-report.ts";

let root: string;
let run: string;
let page: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "grit-report-"));
  run = path.join(root, "made-up");
  await writeSyntheticRun(run, { steps: 9, perSet: 8 });
  page = await readFile(await writeReport(run), "utf8");
});

afterAll(() => rm(root, { recursive: true, force: true }));

/** A copy of the run to take things away from. */
async function copyWithout(name: string, ...parts: string[]): Promise<string> {
  const dir = path.join(root, name);
  await cp(run, dir, { recursive: true });
  for (const part of parts) await rm(path.join(dir, part), { recursive: true });
  return dir;
}

async function reported(dir: string): Promise<string> {
  return readFile(await writeReport(dir), "utf8");
}

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

test("alarms are listed, as they began and for how long they rang", async () => {
  const dir = await copyWithout("with-alarms", "metrics.jsonl");
  const at = (step: number, message: string) => ({
    step,
    alarms: [{ name: "cut-off", since: 8, figures: { share: 0.9 }, message, remedy: "Raise sampling.max_tokens." }],
  });
  const lines = [{ step: 7 }, at(8, HOSTILE), at(9, "later"), { step: 10 }];
  await writeFile(path.join(dir, "metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const alarmed = await reported(dir);
  expect(alarmed).toMatch(/<th scope="row">cut-off<\/th>\s*<td>8 to 9<\/td>.*Raise sampling\.max_tokens\./);
  expect(alarmed).not.toContain(HOSTILE);
  expect(alarmed).not.toContain("later");
  expect(page).not.toContain('class="rows alarms"');
});

describe("a finished run", () => {
  test("has every section, and every section is reachable", () => {
    for (const id of ["results", "references", "training", "chains", "groups", "run"]) {
      expect(page).toContain(`<section id="${id}">`);
      expect(page).toContain(`href="#${id}"`);
    }
    expect(page).not.toContain("no data yet");
  });

  test("judges by its intervals, and says that the forced row is not exceeded", () => {
    expect(page).toContain("<h1>Accuracy and grounding IoU rose on vsr and tallyqa.</h1>");
    expect(page).toContain("does not exceed the untrained base forced to begin with a box");
    expect(page).toContain("these fell: ovd (IoU)");
    expect(page).toContain("3 sampled chains could not be scored");
  });

  test("keeps hostile text in its place: the only script is ours", () => {
    expect(count(page, /<script/g)).toBe(1);
    expect(count(page, /<\/script/g)).toBe(1);
    expect(count(page, /<img/g)).toBe(0);
    expect(page).toContain("&#60;/script&#62;&#60;script&#62;alert(&#34;x&#34;)");
    expect(page).not.toContain(HOSTILE);
  });

  test("asks nothing of the network", () => {
    const withoutData = page.replaceAll(/data:image\/[a-z]+;base64,[A-Za-z0-9+/=]+/g, "");
    expect(withoutData).not.toMatch(/https?:|url\(|@import|<link|<[a-z]+ [^>]*src=/);
    expect(page).toContain("default-src &#39;none&#39;; img-src data:");
  });

  test("embeds each image once, and every figure refers to one that is there", () => {
    const images = page.match(/data:image\/png;base64,[^"]+/g)!;
    expect(new Set(images).size).toBe(images.length);
    const ids = new Set([...page.matchAll(/<symbol id="([^"]+)"/g)].map((match) => match[1]));
    for (const [, id] of page.matchAll(/<use href="#([^"]+)"/g)) expect(ids).toContain(id);
    expect(page.length).toBeLessThan(1e6);
  });

  test("marks each drawn box in its text", () => {
    const chains = page.split('<div class="chain').slice(1);
    expect(chains.length).toBeGreaterThan(20);
    for (const chain of chains) expect(count(chain, /<mark/g)).toBe(count(chain, /<g class="box/g));
    expect(count(page, /<mark/g)).toBeGreaterThan(20);
  });

  test("is the same page twice, and leaves nothing but itself", async () => {
    const before = (await readdir(run)).sort();
    expect(await reported(run)).toBe(page);
    expect((await readdir(run)).sort()).toEqual(before);
    expect(before.filter((name) => name.endsWith(".partial"))).toEqual([]);
  });
});

describe("an unfinished run", () => {
  test("without an evaluation shows its training, and names what is missing", async () => {
    const live = await reported(await copyWithout("live", "summary.json", "eval"));
    expect(live).toContain("no data yet for: results, references, chains.");
    expect(live).toContain("<h1>Not evaluated yet: mean reward");
    expect(live).toContain('<section id="training">');
  });

  test("with nothing but run.json still is a page", async () => {
    const dir = await copyWithout("young", "summary.json", "eval", "metrics.jsonl", "rollouts", "images");
    expect(await reported(dir)).toContain("Nothing to show yet");
  });

  test("with chains from before only shows those", async () => {
    const half = await reported(await copyWithout("half", "summary.json", "eval/after"));
    expect(half).toContain("Only the chains before training are there yet.");
    expect(half).not.toContain("chip became-right");
  });

  test("leaves out the line being written, and shows a sheet for an image that is gone", async () => {
    const dir = await copyWithout("torn", "images");
    await appendFile(path.join(dir, "metrics.jsonl"), '{"step": 10, "rew');
    const torn = await reported(dir);
    expect(torn).toContain("9 steps.");
    expect(torn).toContain("image not found");
  });
});

describe("a folder that cannot be reported", () => {
  test("is named, with what to do", async () => {
    await expect(writeReport(path.join(root, "nowhere"))).rejects.toThrow(/nowhere: no such folder/);
    await mkdir(path.join(root, "empty"));
    await expect(writeReport(path.join(root, "empty"))).rejects.toBeInstanceOf(UserError);
    await expect(writeReport(root)).rejects.toThrow(/It holds runs; name one of them: .*made-up/);
    await expect(writeReport(path.join(run, "run.json"))).rejects.toThrow(/a file, not a run folder/);
  });

  test("names the damaged line and the wrong key", async () => {
    const dir = await copyWithout("damaged");
    await writeFile(path.join(dir, "metrics.jsonl"), '{"step": 1}\n{"step"\n{"step": 3}\n');
    await expect(writeReport(dir)).rejects.toThrow(/metrics\.jsonl:2: not valid JSON/);
    await writeFile(path.join(dir, "metrics.jsonl"), '{"step": 1, "kl": "much"}\n');
    await expect(writeReport(dir)).rejects.toThrow(/metrics\.jsonl:1: kl: /);
  });
});
