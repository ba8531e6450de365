import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { chainOf } from "../rewards/fixtures.ts";
import { UserError } from "../util/errors.ts";
import { rewardsCommand } from "./rewards-command.ts";

const ids = Array.from({ length: 40 }, (_, i) => i);
const line = {
  question: "How many cats?",
  answer: "2",
  image: "cats.png",
  width: 640,
  height: 480,
  bboxs: [],
  dataset: "tallyqa",
  split: "train",
  completion: chainOf(["1, 2, 30, 40", "5, 6, 70, 80"], "2"),
  completion_ids: ids,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grit-rewards-"));
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** Runs the command on lines (objects or raw text) and returns the rows it wrote. */
async function run(lines: readonly unknown[], ...options: string[]): Promise<Record<string, unknown>[]> {
  const data = join(folder, "in.jsonl");
  const out = join(folder, "out.jsonl");
  writeFileSync(data, lines.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n"));
  await rewardsCommand().parseAsync(["--data", data, "--out", out, ...options], { from: "user" });
  return readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((row) => JSON.parse(row) as Record<string, unknown>);
}

describe("grit rewards", () => {
  it("explains a perfect counting chain in both presets", async () => {
    const code = { answer: 1, bleu: 0.1, answer_format: 0.5, repetition: 0.5, grounding: 1.5, think_format: 0.5 };
    expect(await run([{ ...line, id: "a" }, line], "--preset", "code")).toEqual([
      { id: "a", terms: code, total: expect.closeTo(4.1, 12) },
      { id: "tallyqa-2", terms: code, total: expect.closeTo(4.1, 12) },
    ]);
    const paper = { answer: 1, bleu: 0.1, grounding: 1, think_format: 1 };
    for (const named of [["--preset", "paper"], []]) {
      const [row] = await run([line], ...named, "--judge", "exact");
      expect(row).toEqual({ id: "tallyqa-1", terms: paper, total: expect.closeTo(3.1, 12) });
    }
  });

  it("says which term is open and why", async () => {
    const [row] = await run([{ ...line, completion_ids: undefined }], "--preset", "code");
    expect(row).toMatchObject({ total: null, terms: { repetition: null, grounding: 1.5 } });
    expect(row!.reasons).toEqual({ repetition: expect.stringContaining("completion_ids") });
  });

  it("judges by the choices of the line", async () => {
    const asked = { ...line, answer: "B", completion: chainOf(["1, 2, 30, 40"], "a dog") };
    const [listed, unlisted] = await run([{ ...asked, choices: ["cat", "dog"] }, asked]);
    expect([listed, unlisted].map((row) => (row!.terms as Record<string, number>).answer)).toEqual([1, 0]);
  });

  it("takes the frame as the bounds of the boxes", async () => {
    const grounding = async (more: object) => {
      const [row] = await run([{ ...line, ...more }], "--preset", "paper");
      return (row!.terms as Record<string, number>).grounding;
    };
    expect(await grounding({ frame: [504, 364] })).toBe(1);
    expect(await grounding({ frame: [60, 80] })).toBe(0.5);
    expect(await grounding({ width: 20, height: 20 })).toBe(0);
    expect(await grounding({ width: undefined, height: undefined })).toBe(1);
  });

  it("names every fault of every line and writes nothing", async () => {
    const broken = [
      line,
      "{",
      "3",
      { ...line, answer: 2, completion: undefined },
      { ...line, completion_ids: [1, -2] },
      { ...line, frame: [1, 2, 3] },
      { ...line, width: undefined },
      { ...line, question: "Which? (A) cat (B) dog", choices: ["dog", "cat"] },
    ];
    const running = run(broken);
    await expect(running).rejects.toBeInstanceOf(UserError);
    await expect(running).rejects.toThrow(/in\.jsonl: 8 faults/);
    for (const fault of [
      /:2: is not JSON/,
      /:3: is not a JSON object/,
      /:4: answer: is not a string/,
      /:4: completion: is missing/,
      /:5: completion_ids\[1\]: is negative/,
      /:6: frame: is not \[width, height\]/,
      /:7: width and height belong together/,
      /:8: choices: stand in another order than in the question \(A: cat, B: dog\)/,
    ]) {
      await expect(running).rejects.toThrow(fault);
    }
    expect(readdirSync(folder)).toEqual(["in.jsonl"]);
  });

  it.each([
    [["--preset", "papr"], /no reward preset "papr"/],
    [["--judge", "exakt"], /did you mean exact\?/],
  ])("refuses %j", async (options, message) => {
    await expect(run([line], ...options)).rejects.toThrow(message);
  });

  it("refuses files it cannot use", async () => {
    await expect(run([])).rejects.toThrow(/has no lines/);
    const command = (data: string, out: string) =>
      rewardsCommand().parseAsync(["--data", join(folder, data), "--out", join(folder, out)], { from: "user" });
    await expect(command("none.jsonl", "o")).rejects.toThrow(/none\.jsonl: no such file/);
    writeFileSync(join(folder, "one.jsonl"), JSON.stringify(line));
    await expect(command("one.jsonl", "one.jsonl")).rejects.toThrow(/is the file of --data/);
    await expect(command("one.jsonl", "one.jsonl/no-folder")).rejects.toThrow(/no-folder cannot be written/);
    expect(readdirSync(folder).sort()).toEqual(["in.jsonl", "one.jsonl"]);
  });
});
