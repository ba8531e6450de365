import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UserError } from "../../util/errors.ts";
import { renderSets } from "./sets.ts";

interface Line {
  id: string;
  question: string;
  phrase?: string;
  answer: string;
  image: string;
  width: number;
  height: number;
  bboxs: [number, number, number, number][];
  dataset: string;
  split: string;
}

let folder: string;
let out: string;
const options = { seed: 7, counts: { train: 10, val: 20 } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scenes-"));
  out = join(folder, "sets");
  await renderSets({ ...options, out });
});
afterAll(() => rm(folder, { recursive: true }));

const lines = async (file: string, from = out): Promise<Line[]> =>
  (await readFile(join(from, file), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

describe("rendered sets", () => {
  it("are seven held-out sets, two training sets, and images of the stated size", async () => {
    const files = (await readdir(out)).filter((name) => name.endsWith(".jsonl")).sort();
    expect(files).toEqual([
      "gqa_val.jsonl",
      "mathvista_mini_val.jsonl",
      "mme_val.jsonl",
      "ovd_position_val.jsonl",
      "refcoco_val.jsonl",
      "tallyqa_train_10.jsonl",
      "tallyqa_val.jsonl",
      "vsr_train_10.jsonl",
      "vsr_val.jsonl",
    ]);
    for (const file of files) {
      const items = await lines(file);
      expect(items).toHaveLength(file.includes("train") ? 10 : 20);
      expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
      for (const { image, width, height, bboxs, split } of items.slice(0, 3)) {
        expect(await sharp(join(out, image)).metadata()).toMatchObject({ format: "png", width, height });
        for (const [x1, y1, x2, y2] of bboxs) expect(x1 < x2 && y1 < y2 && x2 <= width && y2 <= height).toBe(true);
        expect(split).toBe(file.includes("train") ? "train" : "val");
      }
    }
  });

  it("balance their answers", async () => {
    const answers = async (file: string) => (await lines(file)).map(({ answer }) => answer);
    const yeses = (all: string[]) => all.filter((answer) => answer === "yes").length;
    expect(yeses(await answers("vsr_train_10.jsonl"))).toBe(5);
    expect(yeses(await answers("vsr_val.jsonl"))).toBe(10);
    expect((await answers("tallyqa_train_10.jsonl")).sort().join("")).toBe("0011223344");
    expect((await answers("tallyqa_val.jsonl")).sort().join("")).toBe("00111122223334456789");
    const mme = await lines("mme_val.jsonl");
    for (const dataset of ["mme_existence", "mme_count", "mme_position", "mme_color"]) {
      const of = mme.filter((line) => line.dataset === dataset).map(({ answer }) => answer);
      expect(of).toHaveLength(5);
      expect(Math.abs(2 * yeses(of) - of.length)).toBe(1);
    }
  });

  it("count much where they are told to", async () => {
    const much = join(folder, "much");
    await renderSets({ seed: 7, counts: { train: 5, val: 6, least: 7 }, out: much });
    for (const [file, sorted] of [
      ["tallyqa_train_5.jsonl", "77889"],
      ["tallyqa_val.jsonl", "778899"],
    ] as const) {
      const items = await lines(file, much);
      expect(
        items
          .map(({ answer }) => answer)
          .sort()
          .join(""),
      ).toBe(sorted);
      for (const { answer, bboxs } of items) expect(bboxs).toHaveLength(Number(answer));
    }
  });

  it("ask for exactly one box in detection, which is the answer", async () => {
    for (const file of ["ovd_position_val.jsonl", "refcoco_val.jsonl"])
      for (const { question, phrase, answer, bboxs } of await lines(file)) {
        expect(bboxs).toEqual([JSON.parse(answer)]);
        expect(question).toBe(`Detect ${phrase}.`);
      }
  });

  it("are the same for the same seed and share no scene between training and held-out", async () => {
    const again = join(folder, "again");
    await renderSets({ ...options, out: again });
    expect(await lines("vsr_val.jsonl", again)).toEqual(await lines("vsr_val.jsonl"));
    const image = "images/vsr_train/0000.png";
    expect(await readFile(join(again, image))).toEqual(await readFile(join(out, image)));
    expect(await readFile(join(out, "images/vsr_val/0000.png"))).not.toEqual(await readFile(join(out, image)));
  });

  it("are left alone when they are there already", async () => {
    const { mtimeMs } = await stat(join(out, "scenes.json"));
    expect((await renderSets({ ...options, out })).reused).toBe(true);
    expect((await stat(join(out, "scenes.json"))).mtimeMs).toBe(mtimeMs);
  });

  it("never replace anything else", async () => {
    await expect(renderSets({ ...options, seed: 8, out })).rejects.toThrow(UserError);
    await expect(renderSets({ ...options, out: folder })).rejects.toThrow(/already exists/);
    expect((await readdir(folder)).sort()).toEqual(["again", "much", "sets"]);
  });
});
