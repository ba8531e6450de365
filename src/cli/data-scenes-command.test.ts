import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { scenesCommand } from "./data-scenes-command.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scenes-"));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (...args: string[]) => scenesCommand().exitOverride().parseAsync(args, { from: "user" });

describe("scenes", () => {
  it("renders the sets and says what they are", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await run("--out", join(folder, "sets"), "--n", "2");
    expect(log.mock.calls.flat()).toContain("gqa_val.jsonl  2 samples");
    expect(await readdir(join(folder, "sets"))).toContain("vsr_train_10.jsonl");
    log.mockRestore();
  });

  it("renders training sets of any size, which begin with the samples of a smaller one", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    for (const n of ["2", "5"]) await run("--out", join(folder, n), "--n", "1", "--train", n);
    const lines = async (n: string) =>
      (await readFile(join(folder, n, `vsr_train_${n}.jsonl`), "utf8")).trim().split("\n");
    expect(await lines("5")).toHaveLength(5);
    expect((await lines("5")).slice(0, 2)).toEqual(await lines("2"));
    log.mockRestore();
  });

  it.each([
    ["--train", "0"],
    ["--seed", "x"],
    ["--seed", "-1"],
    ["--n", "0"],
    ["--n", "1.5"],
  ])("refuses %s %s and leaves nothing behind", async (option, value) => {
    await expect(run("--out", join(folder, "sets"), option, value)).rejects.toThrow(CommanderError);
    expect(await readdir(folder)).toEqual([]);
  });
});
