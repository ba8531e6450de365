import { mkdtemp, readdir, rm } from "node:fs/promises";
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

  it.each([
    ["--seed", "x"],
    ["--seed", "-1"],
    ["--n", "0"],
    ["--n", "1.5"],
  ])("refuses %s %s and leaves nothing behind", async (option, value) => {
    await expect(run("--out", join(folder, "sets"), option, value)).rejects.toThrow(CommanderError);
    expect(await readdir(folder)).toEqual([]);
  });
});
