import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UserError } from "../util/errors.ts";
import { RunFolder } from "./run-folder.ts";

const info = {
  recipe: { seed: 7, steps: 3 },
  libtorch: "2.13.0",
  machine: { device: "cpu" },
  model: "m0",
  data: { vsr: "abc" },
};
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
    const run = RunFolder.create(dir, info);
    const written = JSON.parse(read("run.json"));
    expect(written).toMatchObject({ recipe: info.recipe, seed: 7, model: "m0", data: { vsr: "abc" } });
    expect(written.versions).toMatchObject({
      node: process.versions.node,
      libtorch: "2.13.0",
      grit: expect.any(String),
    });
    // Null where the sources are no git checkout.
    expect(written.git ?? "0".repeat(40)).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
    expect(read("run.json")).not.toContain("sk-very-secret");
    expect(readdirSync(dir).sort()).toEqual([".lock", "run.json"]);
    run.release();
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

  test("takes an empty folder, and one in which a process was killed before it had begun", () => {
    mkdirSync(dir);
    writeFileSync(join(dir, "run.json.partial"), '{"rec');
    writeFileSync(join(dir, ".lock"), `process 2147483646 on ${hostname()}`);
    expect(() => RunFolder.resume(dir)).toThrow(/is not a run folder: it has no run\.json.*\n.*leave out --resume/);
    RunFolder.refuseUnfit(dir, false);
    RunFolder.create(dir, info);
    expect(JSON.parse(read("run.json"))).toMatchObject({ seed: 7 });
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
  expect(JSON.parse(read("eval/before/summary.json"))).toEqual({ n: 1 });
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

  test("of later steps go when the run is rolled back", async () => {
    const run = RunFolder.create(dir, info);
    for (const step of [2, 4, 10]) await run.saveCheckpoint(step, write(""));
    run.rollBack(4);
    expect(readdirSync(join(dir, "checkpoints")).sort()).toEqual(["step-2", "step-4"]);
    run.rollBack(0);
    expect(readdirSync(join(dir, "checkpoints"))).toEqual([]);
  });

  test("one that a killed process was replacing is found again", async () => {
    const run = RunFolder.create(dir, info);
    await run.saveCheckpoint(1, write("one"));
    renameSync(run.checkpointDir(1), join(dir, "checkpoints", ".tmp-old-step-1"));
    run.release();
    const resumed = RunFolder.resume(dir);
    expect(resumed.checkpoint).toEqual({ step: 1, dir: run.checkpointDir(1) });
    expect(read("checkpoints/step-1/weights")).toBe("one");
  });

  test("half of one that was being removed is not taken for one", async () => {
    const run = RunFolder.create(dir, info);
    for (const step of [1, 2]) await run.saveCheckpoint(step, write(""));
    renameSync(run.checkpointDir(1), join(dir, "checkpoints", ".tmp-gone-step-1"));
    run.release();
    expect(RunFolder.resume(dir).checkpoint?.step).toBe(2);
    expect(readdirSync(join(dir, "checkpoints"))).toEqual(["step-2"]);
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
  test("cuts away what came after the checkpoint, and a half-written line, and notes what has changed", async () => {
    const run = RunFolder.create(dir, info);
    for (const step of [1, 2, 3]) {
      run.appendMetrics({ step });
      run.writeRollouts(step, [{ step }]);
      if (step === 2) await run.saveCheckpoint(step, write("two"));
    }
    run.release();
    appendFileSync(join(dir, "metrics.jsonl"), '{"step":4,"rew');
    const whole = read("metrics.jsonl");
    const { run: resumed, checkpoint } = RunFolder.resume(dir);
    expect(checkpoint).toEqual({ step: 2, dir: resumed.checkpointDir(2) });
    const recipe = { seed: 7, steps: 5, lr: undefined };
    expect(resumed.changesTo(recipe)).toEqual([{ key: "steps", from: "3", to: "5" }]);
    expect(read("metrics.jsonl")).toBe(whole);
    resumed.goOn(2, { recipe, model: "m0" });
    expect(JSON.parse(read("run.json"))).toMatchObject({
      recipe: { steps: 5 },
      changes: [{ step: 2, key: "steps", from: "3", to: "5" }],
    });
    expect(read("metrics.jsonl")).toBe('{"step":1}\n{"step":2}\n');
    expect(readdirSync(join(dir, "rollouts"))).toEqual(["step-000001.jsonl", "step-000002.jsonl"]);
    resumed.appendMetrics({ step: 3 });
    expect(read("metrics.jsonl")).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
  });

  test("without a checkpoint begins at the start; an older folder gets the hash of its model", () => {
    const { model, ...older } = JSON.parse(JSON.stringify(info));
    RunFolder.create(dir, older).appendMetrics({ step: 1 });
    expect(() => RunFolder.resume(dir)).toThrow(/is in use by process/);
    rmSync(join(dir, ".lock"));
    const { run, checkpoint } = RunFolder.resume(dir);
    expect(checkpoint).toBeUndefined();
    run.goOn(0, info);
    expect(read("metrics.jsonl")).toBe("");
    expect(run.begun().model).toBe(model);
  });

  test("says which file is damaged", () => {
    const run = RunFolder.create(dir, info);
    writeFileSync(join(dir, "run.json"), '{"recipe":');
    expect(() => run.changesTo({})).toThrow(UserError);
    expect(() => run.changesTo({})).toThrow(/run\.json: not valid JSON/);
  });

  test("reads the lines of its steps, and says which is none", () => {
    const run = RunFolder.create(dir, info);
    expect(run.metrics()).toEqual([]);
    run.appendMetrics({ step: 1 });
    writeFileSync(join(dir, "metrics.jsonl"), `${read("metrics.jsonl")}{"step":2,"kl":null}\n{"step":3,"rew`);
    expect(run.metrics()).toEqual([{ step: 1 }, { step: 2, kl: null }]);
    writeFileSync(join(dir, "metrics.jsonl"), '{"step":1}\n{"step":2,"kl":"much"}\n');
    expect(() => run.metrics()).toThrow(/metrics\.jsonl:2: kl: .*\n.*damaged, edited/);
    expect(() => run.metrics()).toThrow(UserError);
  });

  test("needs a run, and metrics that read; else nothing is changed", () => {
    expect(() => RunFolder.resume(dir)).toThrow(/is not a run folder/);
    const run = RunFolder.create(dir, info);
    const before = read("run.json");
    writeFileSync(join(dir, "metrics.jsonl"), '{"step":1}\nrubbish\n{"step":2}\n');
    expect(() => run.goOn(0, { ...info, recipe: { seed: 8 } })).toThrow(/metrics\.jsonl:2: not valid JSON/);
    expect(read("run.json")).toBe(before);
  });
});

describe("a run that trains", () => {
  test("is refused to others, to start and to resume, until it is released", () => {
    const run = RunFolder.create(dir, info);
    expect(() => RunFolder.refuseUnfit(dir, true)).toThrow(`${dir} is in use by process ${process.pid} on`);
    expect(() => RunFolder.refuseUnfit(dir, false)).toThrow(/already holds a run/);
    run.release();
    RunFolder.refuseUnfit(dir, true);
    expect(readdirSync(dir)).toEqual(["run.json"]);
  });

  test("a step is not added to a run whose metrics or run.json were removed meanwhile", () => {
    const run = RunFolder.create(dir, info);
    run.appendMetrics({ step: 1 });
    for (const name of ["metrics.jsonl", "run.json"]) {
      const text = read(name);
      rmSync(join(dir, name));
      expect(() => run.appendMetrics({ step: 2 })).toThrow(
        `${join(dir, name)} was removed while the run was written to.`,
      );
      writeFileSync(join(dir, name), text);
    }
    run.appendMetrics({ step: 2 });
    expect(run.metrics()).toHaveLength(2);
  });

  test("whose folder is removed writes nothing more", async () => {
    const run = RunFolder.create(dir, info);
    rmSync(dir, { recursive: true });
    const gone = /was removed or renamed while it was written to/;
    expect(() => run.appendMetrics({ step: 1 })).toThrow(gone);
    expect(() => run.writeRollouts(1, [])).toThrow(gone);
    await expect(run.saveCheckpoint(1, write("one"))).rejects.toThrow(gone);
    expect(existsSync(dir)).toBe(false);
    const again = RunFolder.create(dir, info);
    const removed = again.saveCheckpoint(1, () => rmSync(dir, { recursive: true }));
    await expect(removed).rejects.toThrow(gone);
  });

  test("that another has taken over writes nothing more", () => {
    const run = RunFolder.create(dir, info);
    writeFileSync(join(dir, ".lock"), "process 1 on another-machine");
    expect(() => run.appendMetrics({ step: 1 })).toThrow(/Another process has taken over/);
  });
});

test("a checkpoint that the system refuses to write is named, and nothing of it is left", async () => {
  const run = RunFolder.create(dir, info);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const saved = run.saveCheckpoint(3, (folder) => {
    writeFileSync(join(folder, "weights"), "half");
    throw full;
  });
  await expect(saved).rejects.toThrow(`${run.checkpointDir(3)} cannot be written (ENOSPC: no space left on device`);
  await expect(saved).rejects.toBeInstanceOf(UserError);
  expect(readdirSync(join(dir, "checkpoints"))).toEqual([]);
});

test("a folder that cannot be made is refused before the work", () => {
  writeFileSync(join(parent, "file"), "");
  expect(() => RunFolder.refuseUnfit(join(parent, "file", "run"), false)).toThrow(/cannot be written \(ENOTDIR/);
  RunFolder.refuseUnfit(join(dir, "deeper"), false);
  expect(existsSync(dir)).toBe(false);
});
