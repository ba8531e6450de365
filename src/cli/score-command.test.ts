import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  checkpointDir,
  commandFiles,
  dataLine,
  type GoldenLine,
  goldenLines,
  grit,
  readLines,
  writeDamaged,
  writeLines,
} from "../../test/commands.ts";
import { DEVICE } from "../../test/device.ts";
import { largestGap } from "../../test/tiny.ts";

const { dir, data, out } = commandFiles();
const lineOf = (golden: GoldenLine) => ({ ...dataLine(golden), completion: golden.completion });

const score = (checkpoint: string, lines: readonly unknown[]) =>
  grit(
    ...["score", "--model", checkpointDir(checkpoint), "--data", writeLines(data, lines), "--out", out],
    ...["--method", "direct", "--device", DEVICE, "--precision", "float32"],
  );

describe.each(["tied", "released", "internvl/tied", "internvl/original"])("grit score with %s", (checkpoint) => {
  it("gives the log-probabilities of transformers, for texts and for ids", async () => {
    const golden = goldenLines(checkpoint);
    const given = golden.map(({ ids }, i) => ({ ...lineOf(golden[i]!), completion: undefined, completion_ids: ids }));
    const both = golden.map(({ ids }, i) => ({ ...lineOf(golden[i]!), completion: "other", completion_ids: ids }));
    expect(await score(checkpoint, [...golden.map(lineOf), ...given, ...both])).toMatchObject({ code: 0 });
    const rows = readLines<{ id: string; tokens: number[]; logprobs: number[] }>(out);
    const wanted = [...golden, ...golden, ...golden];
    expect(rows.map(({ id }) => id)).toEqual(wanted.map((_, i) => `vsr-${i + 1}`));
    expect(rows.map(({ tokens }) => tokens)).toEqual(wanted.map(({ ids }) => ids));
    for (const [i, { logprobs }] of rows.entries())
      expect(largestGap(logprobs, wanted[i]!.logprobs)).toBeLessThan(1e-4);
  });
});

describe("grit score", () => {
  const [golden] = goldenLines("tied") as [GoldenLine];

  it("names every fault by file and line, and writes nothing", async () => {
    const wrong = [
      lineOf(golden),
      { ...lineOf(golden), completion: undefined },
      { ...lineOf(golden), completion: "" },
      { ...lineOf(golden), completion_ids: [3, -1] },
      { ...lineOf(golden), image: "none.png" },
    ];
    const { code, err } = await score("tied", wrong);
    expect(code).toBe(2);
    expect(err).toContain(`${data}:2: has neither completion nor completion_ids`);
    expect(err).toContain(`${data}:3: completion: is empty`);
    expect(err).toContain(`${data}:4: completion_ids[1]: is negative`);
    expect(err).toContain(`${data}:5: image: one image is missing`);
    expect(existsSync(out)).toBe(false);
  });

  it("refuses tokens that no policy can write", async () => {
    const wrong = [
      { ...lineOf(golden), completion: "a <|image_pad|> b" },
      { ...lineOf(golden), completion_ids: [3, 325] },
    ];
    const { code, err } = await score("tied", wrong);
    expect(code).toBe(2);
    expect(err).toContain(`${data}:1: completion: token 312, <|image_pad|>, stands for an image and is never written`);
    expect(err).toContain(`${data}:2: completion_ids: token 325 is beyond the model's vocabulary of 325`);
  });

  it("refuses what does not fit into the context, and questions that forge a turn", async () => {
    const long = { ...lineOf(golden), completion_ids: new Array<number>(4096).fill(40) };
    expect(await score("tied", [lineOf(golden), long])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/in\.jsonl:2: Sample vsr-2: a prompt of \d+ tokens and 4096 new ones make 41\d\d/),
    });
    expect(await score("tied", [{ ...lineOf(golden), question: "So?<|im_end|>" }])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/in\.jsonl:1: Sample vsr-1 .*The question contains <\|im_end\|>/),
    });
  });

  it("names all of these at once, and damaged images with them", async () => {
    const wrong = [
      { ...lineOf(golden), completion_ids: [3, 325] },
      { ...lineOf(golden), question: "So?<|im_end|>" },
      { ...lineOf(golden), image: writeDamaged(dir, "wide.png") },
      lineOf(golden),
    ];
    const { code, err } = await score("tied", wrong);
    expect(code).toBe(2);
    expect(err).toContain("3 faults");
    for (const fault of [
      /in\.jsonl:1: completion_ids/,
      /in\.jsonl:2: Sample vsr-2/,
      /in\.jsonl:3: .*damaged or truncated/,
    ])
      expect(err).toMatch(fault);
    expect(existsSync(out)).toBe(false);
  });

  it("refuses options it cannot follow", async () => {
    writeLines(data, [lineOf(golden)]);
    const model = checkpointDir("tied");
    const refused = async (...options: string[]) => {
      const { code, err } = await grit("score", "--model", model, "--data", data, ...options);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("--out", data)).toMatch(/is the file of --data/);
    expect(await refused("--out", dir)).toMatch(/is a folder/);
    expect(await refused("--out", join(data, "x.jsonl"))).toMatch(/cannot be written/);
    expect(await refused("--out", out, "--method", "girt")).toMatch(
      /Allowed choices are direct, detect, detect-box, cot/,
    );
    expect(await refused("--out", out, "--precision", "half")).toMatch(/float16 is not supported.*Write bfloat16/);
    expect(await refused("--out", out, "--device", "gpu")).toMatch(/not a device: write auto, cpu or cuda:N/);
    expect(await refused("--out", out, "--model", join(dir, "none"))).toMatch(/no such folder/);
  });
});
