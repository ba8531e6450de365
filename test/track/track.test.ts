/**
 * @file What `grit track` writes, read by those for whom it is written: TensorBoard, W&B, Trackio and datasets. Needs a Python that
 * has them, named by GRIT_PYTHON; each test is skipped where its library is missing.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { writeSyntheticRun } from "../../src/report/synthetic-run.ts";
import type { Metrics } from "../../src/run/lines.ts";
import { readRollouts, readRunFolder } from "../../src/run/read-run.ts";
import { trackRun } from "../../src/track/track-run.ts";
import { scratch, scratchPlaces } from "../tiny.ts";

const STEPS = 5;
const ALARM = { name: "cut-off", since: 2, figures: { share: 1 }, message: "All are cut off.", remedy: "Raise it." };

const python = process.env.GRIT_PYTHON;
const has = (module: string) => python !== undefined && spawnSync(python, ["-c", `import ${module}`]).status === 0;
const run = join(scratch(), "mine");
const place = scratchPlaces();
let metrics: readonly Metrics[];

beforeAll(async () => {
  if (!python) return;
  mkdirSync(run);
  await writeSyntheticRun(run, { steps: STEPS, perSet: 1 });
  const lines = (await readRunFolder(run)).metrics.map((line) => (line.step > 1 ? { ...line, alarms: [ALARM] } : line));
  writeFileSync(join(run, "metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  metrics = (await readRunFolder(run)).metrics;
});

/** What a script of this folder prints, which is JSON. */
function read(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(python!, [join(import.meta.dirname, script), ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
  });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

test("TensorBoard's EventAccumulator", async ({ skip }) => {
  skip(!has("tensorboard"), "needs tensorboard: name a Python that has it by GRIT_PYTHON");
  const { out } = await trackRun(run, "tensorboard");
  const { scalars, texts } = read("tensorboard_events.py", [out]);
  expect(scalars.kl).toEqual(metrics.map(({ step, kl }) => [step, Math.fround(kl!)]));
  expect(scalars["length/max"]).toEqual(metrics.map(({ step, length }) => [step, Math.fround(length!.max!)]));
  expect(texts.recipe).toEqual([[0, expect.stringContaining("method: grit\n")]]);
  expect(texts["alarms/cut-off"]).toEqual([[2, "**All are cut off.**\n\nRaise it."]]);
});

test("W&B's DataStore", async ({ skip }) => {
  const module = "wandb.sdk.internal.datastore";
  skip(!has(module), `needs ${module} (wandb 0.21 has it): name a Python that has it by GRIT_PYTHON`);
  const { out } = await trackRun(run, "wandb");
  const folder = join(out, "wandb", readdirSync(join(out, "wandb"))[0]!);
  const id = folder.slice(-8);
  const found = read("wandb_log.py", [join(folder, `run-${id}.wandb`)]);
  expect(found.run).toEqual([id, "grit", "mine"]);
  expect(found.config.method).toBe("grit");
  expect(found.kinds.at(-1)).toBe("exit");
  const history = found.history as [number, Record<string, unknown>][];
  expect(history.map(([step, { kl }]) => [step, kl])).toEqual(metrics.map(({ step, kl }) => [step, kl]));
  const there = readdirSync(join(folder, "files"), { recursive: true });
  expect(there).toEqual(expect.arrayContaining(found.files));
});

test("Trackio takes its inbox in, once", async ({ skip }) => {
  skip(!has("trackio.fragments"), "needs trackio: name a Python that has it by GRIT_PYTHON");
  const out = place();
  // What was taken in and comes again changes nothing.
  for (const _ of ["first", "again"]) {
    await trackRun(run, "trackio", out);
    const { logs, config, alerts, run: found } = read("trackio_inbox.py", [], { TRACKIO_DIR: out });
    expect(found.name).toBe("mine");
    expect(logs.map(({ step, kl }: Metrics) => [step, kl])).toEqual(metrics.map(({ step, kl }) => [step, kl]));
    expect(config.method).toBe("grit");
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ title: "cut-off", step: 2, level: "warn" });
  }
});

test("datasets", async ({ skip }) => {
  skip(!has("datasets"), "needs datasets: name a Python that has it by GRIT_PYTHON");
  const { out } = await trackRun(run, "parquet");
  const { columns, isImage, sizes, rows } = read("parquet_tables.py", [join(out, "rollouts"), place()]);
  const steps = await Promise.all(metrics.map(({ step }) => readRollouts(run, step)));
  const chains = steps.flat();
  expect(columns).toEqual(expect.arrayContaining(["step", "prompt", "completion", "answer", "advantage", "image"]));
  expect(isImage).toBe(true);
  expect(sizes).toEqual(chains.map(({ width, height }) => [width, height]));
  const columnsOf = (row: Record<string, unknown>) => [row.step, row.completion, row.answer, row.advantage, row.boxes];
  expect(rows.map(columnsOf)).toEqual(
    chains.map(({ step, text, terms: { answer }, advantage, boxes }) => [
      ...[step, text, typeof answer === "number" ? answer : null, advantage],
      boxes.map(({ box }) => box),
    ]),
  );
  const answers = read("parquet_tables.py", [join(out, "eval"), place()]);
  expect(answers.rows).toHaveLength(12);
});
