import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../util/errors.ts";
import { RunFolder } from "./run-folder.ts";

const info = { recipe: { seed: 7, steps: 3 }, libtorch: "2.13.0", machine: { device: "cpu" }, data: { vsr: "abc" } };
let parent: string;
let dir: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "grit-run-"));
  dir = join(parent, "run");
});
afterEach(() => rmSync(parent, { recursive: true }));

const read = (name: string) => readFileSync(join(dir, name), "utf8");
const write = (text: string) => (folder: string) => writeFileSync(join(folder, "weights"), text);

describe("create", () => {
  test("writes what the run is, and nothing of the environment", () => {
    process.env.SOME_API_KEY = "sk-very-secret";
    RunFolder.create(dir, info);
    const run = JSON.parse(read("run.json"));
    expect(run).toMatchObject({ recipe: info.recipe, seed: 7, data: { vsr: "abc" } });
    expect(run.versions).toMatchObject({ node: process.versions.node, libtorch: "2.13.0", grit: expect.any(String) });
    // Null where the sources are no git checkout.
    expect(run.git ?? "0".repeat(40)).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
    expect(read("run.json")).not.toContain("sk-very-secret");
    expect(readdirSync(dir)).toEqual(["run.json"]);
  });

  test("refuses a folder that holds a run or anything else, and leaves it as it is", () => {
    RunFolder.create(dir, info);
    const before = read("run.json");
    expect(() => RunFolder.create(dir, { ...info, libtorch: "0" })).toThrow(UserError);
    expect(() => RunFolder.create(dir, info)).toThrow(/already holds a run.*\n.*--resume.*--run/);
    expect(read("run.json")).toBe(before);
    expect(() => RunFolder.create(parent, info)).toThrow(/is not empty and is not a run folder/);
    writeFileSync(join(parent, "file"), "");
    expect(() => RunFolder.create(join(parent, "file"), info)).toThrow(/is not empty and is not a run folder/);
  });

  test("takes an empty folder", () => {
    mkdirSync(dir);
    RunFolder.create(dir, info);
    expect(existsSync(join(dir, "run.json"))).toBe(true);
  });
});

test("files are whole, lines are appended, images are kept once", () => {
  const run = RunFolder.create(dir, info);
  run.appendMetrics({ step: 1, reward: { mean: Number.NaN } } as { step: number });
  run.appendMetrics({ step: 2 });
  expect(read("metrics.jsonl")).toBe('{"step":1,"reward":{"mean":null}}\n{"step":2}\n');
  run.writeRollouts(12, [{ id: "a" }, { id: "b" }]);
  expect(read("rollouts/step-000012.jsonl")).toBe('{"id":"a"}\n{"id":"b"}\n');
  run.writeJson("eval/before/summary.json", { n: 1 });
  expect(run.readJson("eval/before/summary.json")).toEqual({ n: 1 });
  expect(run.saveImage("f00", Buffer.from("first"), "png")).toBe("images/f00.png");
  run.saveImage("f00", Buffer.from("second"), "png");
  expect(read("images/f00.png")).toBe("first");
  writeFileSync(join(parent, "photo.jpg"), "pixels");
  expect(run.saveImage("f01", join(parent, "photo.jpg"), "jpg")).toBe("images/f01.jpg");
  const all = readdirSync(dir, { recursive: true }) as string[];
  expect(all.filter((name) => name.endsWith(".partial"))).toEqual([]);
});

describe("checkpoints", () => {
  test("count when they are complete, by number and not by name", async () => {
    const run = RunFolder.create(dir, info);
    expect(run.latestCheckpoint()).toBeUndefined();
    expect(await run.saveCheckpoint(9, write("nine"))).toBe(run.checkpointDir(9));
    await run.saveCheckpoint(10, write("ten"));
    await expect(
      run.saveCheckpoint(11, (folder) => {
        writeFileSync(join(folder, "weights"), "half");
        throw new Error("killed");
      }),
    ).rejects.toThrow("killed");
    expect(run.latestCheckpoint()).toEqual({ step: 10, dir: run.checkpointDir(10) });
    expect(read("checkpoints/step-10/weights")).toBe("ten");
    expect(existsSync(run.checkpointDir(11))).toBe(false);
  });

  test("an interrupted save can be made again", async () => {
    const run = RunFolder.create(dir, info);
    const partial = join(dir, "checkpoints", ".tmp-step-5");
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, "stale"), "");
    await run.saveCheckpoint(5, write("five"));
    expect(readdirSync(run.checkpointDir(5))).toEqual(["weights"]);
  });

  test("one of the same step takes the other's place, and leaves nothing of it", async () => {
    const run = RunFolder.create(dir, info);
    await run.saveCheckpoint(5, write("first"));
    await run.saveCheckpoint(5, write("second"));
    expect(read("checkpoints/step-5/weights")).toBe("second");
    expect(readdirSync(join(dir, "checkpoints"))).toEqual(["step-5"]);
  });

  test("are pruned to the latest, with what was left half-written", async () => {
    const run = RunFolder.create(dir, info);
    for (const step of [2, 4, 10]) await run.saveCheckpoint(step, write(""));
    mkdirSync(join(dir, "checkpoints", ".tmp-step-12"));
    run.prune(2);
    expect(readdirSync(join(dir, "checkpoints")).sort()).toEqual(["step-10", "step-4"]);
  });
});

describe("resume", () => {
  test("cuts away what came after the checkpoint, and a half-written line", async () => {
    const run = RunFolder.create(dir, info);
    for (const step of [1, 2, 3]) {
      run.appendMetrics({ step });
      run.writeRollouts(step, [{ step }]);
      if (step === 2) await run.saveCheckpoint(step, write("two"));
    }
    appendFileSync(join(dir, "metrics.jsonl"), '{"step":4,"rew');
    const { run: resumed, checkpoint } = RunFolder.resume(dir);
    expect(checkpoint).toEqual({ step: 2, dir: resumed.checkpointDir(2) });
    expect(read("metrics.jsonl")).toBe('{"step":1}\n{"step":2}\n');
    expect(readdirSync(join(dir, "rollouts"))).toEqual(["step-000001.jsonl", "step-000002.jsonl"]);
    resumed.appendMetrics({ step: 3 });
    expect(read("metrics.jsonl")).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
  });

  test("without a checkpoint begins at the start", () => {
    RunFolder.create(dir, info).appendMetrics({ step: 1 });
    expect(RunFolder.resume(dir).checkpoint).toBeUndefined();
    expect(read("metrics.jsonl")).toBe("");
  });

  test("says which file is damaged", () => {
    const run = RunFolder.create(dir, info);
    writeFileSync(join(dir, "run.json"), '{"recipe":');
    expect(() => run.noteChanges({}, 0)).toThrow(UserError);
    expect(() => run.noteChanges({}, 0)).toThrow(/run\.json cannot be read/);
  });

  test("needs a run, and metrics that read", () => {
    expect(() => RunFolder.resume(dir)).toThrow(/is not a run folder, so there is nothing to resume/);
    RunFolder.create(dir, info);
    writeFileSync(join(dir, "metrics.jsonl"), '{"step":1}\nrubbish\n{"step":2}\n');
    expect(() => RunFolder.resume(dir)).toThrow(/metrics\.jsonl:2: is not a line of metrics/);
  });
});
