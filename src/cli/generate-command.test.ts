import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import {
  checkpointDir,
  commandFiles,
  dataLine,
  goldenLines,
  grit,
  readLines,
  writeDamaged,
  writeLines,
} from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { largestGap } from "../../test/tiny.ts";
import { LocalEngine } from "../engine/local.ts";
import { type GeneratedRow, generatedOf } from "../jobs/generate.ts";
import { writeAskedAs } from "../prompt/asked-as.ts";
import { Processor } from "../prompt/prompt.ts";

const { dir, data, out } = commandFiles();

const generate = (checkpoint: string, lines: readonly unknown[], ...options: string[]) =>
  grit(
    ...["generate", "--model", checkpointDir(checkpoint), "--data", writeLines(data, lines), "--out", out],
    ...["--method", "direct", "--device", DEVICE, "--precision", "float32", "--max-tokens", "20", ...options],
  );

describe.each(["tied", "released", "internvl/tied", "internvl/original"])("grit generate with %s", (checkpoint) => {
  it("writes the greedy completions of transformers", async () => {
    const golden = goldenLines(checkpoint);
    const ran = await generate(checkpoint, golden.map(dataLine));
    expect(ran).toMatchObject({ code: 0, out: `3 completions are in ${out}.\n` });
    expect(ran.err).toMatch(/generate 3\/3/);
    const rows = readLines<GeneratedRow>(out);
    const wanted = golden.map(({ greedy_ids, greedy_text, frame, image, question }, i) => ({
      id: `vsr-${i + 1}`,
      question,
      answer: "yes",
      image: join(dir, `${image}.png`),
      width: expect.any(Number),
      height: expect.any(Number),
      bboxs: [],
      dataset: "vsr",
      split: "",
      text: greedy_text,
      response: greedy_text,
      tokens: greedy_ids,
      logprobs: greedy_ids.map(() => expect.any(Number)),
      boxes: [],
      frame,
      ended: greedy_ids.length < 20 ? "stop" : "length",
    }));
    expect(rows).toEqual(wanted);
  });
});

describe("grit generate", () => {
  it("asks as the checkpoint was trained, method and pixels, unless told otherwise", async () => {
    const trained = join(dir, "trained");
    cpSync(checkpointDir("tied"), trained, { recursive: true });
    writeAskedAs(trained, { method: "direct", image: { maxPixels: 28 * 28 * 4 } });
    const lines = writeLines(data, goldenLines("tied").map(dataLine));
    const run = async (...options: string[]) => {
      const files = ["--model", trained, "--data", lines, "--out", out, "--device", DEVICE, "--max-tokens", "4"];
      expect(await grit("generate", ...files, ...options)).toMatchObject({ code: 0 });
      return readLines<GeneratedRow>(out);
    };
    const rows = await run();
    expect(rows.every(({ frame: [width, height] }) => width * height <= 28 * 28 * 4)).toBe(true);
    expect(await run("--method", "direct")).toEqual(rows);
    expect(await run("--method", "grit")).not.toEqual(rows);
    const larger = await run("--max-pixels", "200704");
    expect(larger.map(({ frame }) => frame)).toEqual(goldenLines("tied").map(({ frame }) => frame));
    expect(larger.map(({ tokens }) => tokens)).toEqual(
      goldenLines("tied").map(({ greedy_ids }) => greedy_ids.slice(0, 4)),
    );
  });

  const golden = goldenLines("tied");
  const sampling = ["--temperature", "1", "--top-p", "0.9", "--top-k", "50"];

  it("samples by the seed, and grit score agrees with its log-probabilities", async () => {
    const sampled = async (seed: string) => {
      expect(await generate("tied", golden.map(dataLine), ...sampling, "--seed", seed)).toMatchObject({ code: 0 });
      return readLines<GeneratedRow>(out);
    };
    const rows = await sampled("5");
    expect(await sampled("5")).toEqual(rows);
    expect((await sampled("6")).map(({ tokens }) => tokens)).not.toEqual(rows.map(({ tokens }) => tokens));
    const given = golden.map((line, i) => ({ ...dataLine(line), completion_ids: rows[i]!.tokens }));
    const [again, scores] = [writeLines(join(dir, "given.jsonl"), given), join(dir, "scores.jsonl")];
    const how = ["--method", "direct", "--precision", "float32"];
    await grit("score", "--model", checkpointDir("tied"), "--data", again, "--out", scores, ...how);
    const scored = readLines<{ logprobs: number[] }>(scores);
    for (const [i, { logprobs }] of scored.entries())
      expect(largestGap(logprobs, rows[i]!.logprobs)).toBeLessThan(1e-4);
  });

  it("asks by the method", async () => {
    await generate("tied", golden.map(dataLine), "--method", "grit");
    expect(readLines<GeneratedRow>(out).map(({ text }) => text)).not.toEqual(golden.map((line) => line.greedy_text));
  });

  it("gives boxes in pixels of the stored image", async () => {
    const processor = Processor.load(checkpointDir("tied"));
    const image = await processor.image(join(dir, "photo.png"));
    const text = "<think> [56, 21, 112, 84] </think> <rethink> 0, 84, 28, 42 </rethink> <answer> no";
    const completion = { ids: [1, 2], logprobs: [-1, -2], text, ending: "stop" } as const;
    expect(generatedOf(processor, "a", { ids: [], images: [image] }, completion, "grit")).toEqual({
      id: "a",
      text,
      response: "no",
      tokens: [1, 2],
      logprobs: [-1, -2],
      boxes: [
        [50, 18.75, 100, 75],
        [0, 75, 25, 37.5],
      ],
      frame: [112, 84],
      ended: "stop",
    });
  });

  it.each(["internvl/tied", "internvl/original"])("so too where %s speaks of thousandths", async (checkpoint) => {
    const processor = Processor.load(checkpointDir(checkpoint));
    const image = await processor.image(join(dir, "photo.png"));
    const text = "<think> [500, 200, 1000, 840] </think> <rethink> 0, 80, 250, 160 </rethink> <answer> no";
    const completion = { ids: [1], logprobs: [-1], text, ending: "stop" } as const;
    expect(generatedOf(processor, "a", { ids: [], images: [image] }, completion, "grit")).toMatchObject({
      boxes: [
        [50, 15, 100, 63],
        [0, 6, 25, 12],
      ],
      frame: [image.frame.frameWidth, image.frame.frameHeight],
    });
  });

  it("names the line it cannot ask, and writes nothing", async () => {
    const [line] = golden.map(dataLine);
    const forged = await generate("tied", [line, { ...line, question: "<|image_pad|>?" }]);
    expect(forged).toMatchObject({
      code: 2,
      err: expect.stringMatching(/in\.jsonl:2: Sample vsr-2 .*The question contains/),
    });
    const long = await generate("tied", [line, { ...line, question: "why ".repeat(5000) }]);
    expect(long).toMatchObject({ code: 2, err: expect.stringContaining(`${data}:2: Sample vsr-2`) });
    expect(long.err).toMatch(/more than the model's 4096/);
    expect(await generate("tied", ['{"question"'])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${data}:1: is not JSON`),
    });
    expect(await generate("tied", [line], "--top-p", "0")).toMatchObject({ code: 2 });
    expect(existsSync(out)).toBe(false);
  });

  it("names every line it cannot ask before it asks the first", async () => {
    const sample = vi.spyOn(LocalEngine.prototype, "sample");
    const sound = Array.from({ length: 64 }, () => dataLine(golden[0]!));
    const damaged = { ...dataLine(golden[0]!), image: writeDamaged(dir, "wide.png") };
    const run = await generate("tied", [...sound, { ...damaged, question: "<|im_end|>?" }, damaged]);
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining("2 faults") });
    expect(run.err).toMatch(/in\.jsonl:65: [\s\S]*in\.jsonl:66: Sample vsr-66 .*damaged or truncated/);
    const long = await generate("tied", [dataLine(golden[0]!)], "--max-tokens", "4090");
    expect(long.code).toBe(2);
    expect(long.err).toMatch(/in\.jsonl:1: Sample vsr-1: a prompt of \d+ tokens and 4090 new ones make 4\d\d\d/);
    expect(sample).not.toHaveBeenCalled();
    expect(existsSync(out)).toBe(false);
    sample.mockRestore();
  });
});
