import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { scratch, scratchPlaces } from "../../test/tiny.ts";
import { eventsIn, firstOf, messages, wandbRecordsIn } from "../../test/track/decode.ts";
import { writeSyntheticRun } from "../report/synthetic-run.ts";
import type { Metrics } from "../run/lines.ts";
import { readRollouts, readRunFolder } from "../run/read-run.ts";
import { UserError } from "../util/errors.ts";
import { Followers, TRACKERS, trackRun } from "./track-run.ts";

const STEPS = 3;
const ALARM = { name: "cut-off", since: 2, figures: { share: 1 }, message: "All are cut off.", remedy: "Raise it." };

/** A run of three steps, the second with an alarm that goes on. */
const run = join(scratch(), "mine");
const place = scratchPlaces();
let metrics: readonly Metrics[];

beforeAll(async () => {
  mkdirSync(run);
  await writeSyntheticRun(run, { steps: STEPS, perSet: 1 });
  const lines = (await readRunFolder(run)).metrics.map((line) => (line.step > 1 ? { ...line, alarms: [ALARM] } : line));
  writeFileSync(join(run, "metrics.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  metrics = (await readRunFolder(run)).metrics;
});
beforeEach(() => rmSync(join(run, "track"), { recursive: true, force: true }));

/** The only file or folder in a folder. */
function only(folder: string): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0]!);
}

/** The scalars and the texts of an event file, by step. */
function eventFile(folder: string): { scalars: [step: number, tag: string, value: number][]; texts: unknown[] } {
  const scalars: [number, string, number][] = [];
  const texts: unknown[] = [];
  for (const event of eventsIn(readFileSync(only(folder)))) {
    const step = firstOf(event, 2) as number;
    for (const value of messages(event, 5).flatMap((summary) => messages(summary, 1))) {
      const tag = String(firstOf(value, 1));
      const number = firstOf(value, 2);
      if (typeof number === "number") scalars.push([step, tag, number]);
      else texts.push([step, tag, String(firstOf(firstOf(value, 8) as Buffer, 8))]);
    }
  }
  return { scalars, texts };
}

/** The records of the only W&B run below a folder, by kind, and its history by step. */
function wandbRun(out: string) {
  const folder = only(join(out, "wandb"));
  const [, id] = /offline-run-\d{8}_\d{6}-(\w{8})$/.exec(folder)!;
  const records = wandbRecordsIn(readFileSync(join(folder, `run-${id}.wandb`)));
  const items = (record: Buffer) =>
    Object.fromEntries(
      messages(record, 1).map((item) => [String(firstOf(item, 1)), JSON.parse(String(firstOf(item, 16)))]),
    );
  const history = records.flatMap((record) => messages(record, 2)).map(items);
  const [config] = records.flatMap((record) => messages(record, 17)).flatMap((record) => messages(record, 4));
  return { folder, records, history, config: items(config!) };
}

async function rows(file: string): Promise<Record<string, unknown>[]> {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer, compressors });
}

describe("tensorboard", () => {
  test("every number of every step once, the recipe and the alarms that begin as texts", async () => {
    const { steps, out } = await trackRun(run, "tensorboard");
    expect(steps).toBe(STEPS);
    const { scalars, texts } = eventFile(out);
    const of = (tag: string) => scalars.filter(([, name]) => name === tag).map(([step, , value]) => [step, value]);
    expect(of("kl")).toEqual(metrics.map(({ step, kl }) => [step, Math.fround(kl!)]));
    expect(of("reward/terms/answer")).toEqual(
      metrics.map(({ step, reward }) => [step, Math.fround(reward!.terms.answer!)]),
    );
    // The first two steps of the run have no boxes to measure.
    expect(of("giou")).toEqual([[3, Math.fround(metrics[2]!.giou!)]]);
    expect(texts).toEqual([
      [0, "recipe", expect.stringContaining("method: grit\n")],
      [2, "alarms/cut-off", "**All are cut off.**\n\nRaise it."],
    ]);
  });

  test("again: no step twice, and files of others stay", async () => {
    const out = place();
    mkdirSync(out);
    await trackRun(run, "tensorboard", out);
    const once = eventFile(out);
    await trackRun(run, "tensorboard", out);
    expect(eventFile(out)).toEqual(once);
    const other = join(out, "events.out.tfevents.1.host.1.0");
    writeFileSync(other, "");
    await trackRun(run, "tensorboard", out);
    expect(existsSync(other)).toBe(true);
  });
});

describe("wandb", () => {
  test("header, run with its recipe, a history of every step, exit", async () => {
    const { out } = await trackRun(run, "wandb");
    const { records, history, config } = wandbRun(out);
    // The number of a record, then its kind: 21 header, 17 run, 6 files, 2 history, 3 summary, 18 exit.
    const kinds = records.map((record) => [21, 17, 6, 2, 3, 18].find((kind) => messages(record, kind).length > 0));
    expect(kinds).toEqual([21, 17, ...Array(STEPS).fill([6, 2, 3]).flat(), 18]);
    expect(records.map((record) => firstOf(record, 1))).toEqual(records.map((_, i) => i + 1));
    expect(config).toMatchObject({ method: "grit", lr: 1.5e-4 });
    expect(history.map(({ _step, kl }) => [_step, kl])).toEqual(metrics.map(({ step, kl }) => [step, kl]));
  });

  test("again, after further steps: the same run, whose records go on where they ended, so that a second sync doubles nothing", async () => {
    const grown = join(place(), "grown");
    cpSync(run, grown, { recursive: true, preserveTimestamps: true });
    const file = join(grown, "metrics.jsonl");
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const until = (steps: number) => writeFileSync(file, `${lines.slice(0, steps).join("\n")}\n`);
    const track = async () => wandbRun((await trackRun(grown, "wandb")).out);
    until(2);
    const first = await track();
    until(STEPS);
    const second = await track();
    const [third, again] = [await track(), second];
    expect(second.folder).toBe(first.folder);
    // All but the exit, which ends what had been written.
    expect(second.records.slice(0, first.records.length - 1)).toEqual(first.records.slice(0, -1));
    expect(second.history.map(({ _step }) => _step)).toEqual([1, 2, 3]);
    expect(third).toEqual(again);
  });

  test("a few chains with their images and boxes, each file in its place", async () => {
    const { out } = await trackRun(run, "wandb");
    const { folder, history } = wandbRun(out);
    const chains = (await readRollouts(run, STEPS)).filter(({ group }, i, all) => group !== all[i - 1]?.group);
    const { chains: shown } = history[STEPS - 1]!;
    expect(shown).toMatchObject({ _type: "images/separated", count: 4, width: 200, height: 160, format: "png" });
    for (const [i, chain] of chains.slice(0, 4).entries()) {
      expect(readFileSync(join(folder, "files", shown.filenames[i]))).toEqual(readFileSync(join(run, chain.image)));
      expect(shown.captions[i]).toContain(chain.text);
      const { box_data } = JSON.parse(readFileSync(join(folder, "files", shown.all_boxes[i].predictions.path), "utf8"));
      const boxes = box_data.map(({ position: p }: { position: Record<string, number> }) =>
        ["minX", "minY", "maxX", "maxY"].map((edge) => p[edge]),
      );
      expect(boxes).toEqual(chain.boxes.map(({ box }) => box));
    }
    expect(history.flatMap((step) => step.chains.all_boxes).length).toBeGreaterThan(0);
  });

  test("again: the same run anew, none beside it", async () => {
    const { out } = await trackRun(run, "wandb");
    const { folder } = wandbRun(out);
    await trackRun(run, "wandb");
    expect(wandbRun(out).folder).toBe(folder);
    expect(wandbRun(out).history).toHaveLength(STEPS);
  });
});

describe("trackio", () => {
  test("a file of lines for each step, whose ids stay the same", async () => {
    const out = place();
    const lines = () => {
      const folder = only(join(out, "inbox"));
      const files = readdirSync(folder).sort();
      expect(files.every((name) => /^\d{8}\.jsonl$/.test(name))).toBe(true);
      return files.flatMap((name) =>
        readFileSync(join(folder, name), "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
    };
    await trackRun(run, "trackio", out);
    const once = lines();
    const found = once.filter(({ kind }) => kind === "metric");
    expect(found.map(({ step, metrics: { kl } }) => [step, kl])).toEqual(metrics.map(({ step, kl }) => [step, kl]));
    expect(found[0]).toMatchObject({ v: 1, project: "grit", run: "mine", config: { method: "grit" } });
    expect(new Set(found.map(({ log_id }) => log_id)).size).toBe(STEPS);
    const alerts = once.filter(({ kind }) => kind === "alert");
    expect(alerts.map(({ step, title }) => [step, title])).toEqual([[2, "cut-off"]]);
    await trackRun(run, "trackio", out);
    expect(lines()).toEqual(once);
  });
});

describe("parquet", () => {
  test("the chains of each step in the columns of TRL's table, with images and boxes", async () => {
    const { out } = await trackRun(run, "parquet");
    const files = readdirSync(join(out, "rollouts"));
    expect(files).toEqual(["step-000001.parquet", "step-000002.parquet", "step-000003.parquet"]);
    const chains = await readRollouts(run, 1);
    const found = await rows(join(out, "rollouts", files[0]!));
    expect(Object.keys(found[0]!).slice(0, 9)).toEqual([
      ...["step", "prompt", "completion", "answer", "bleu", "structure"],
      // The table has a column of boxes, so that the reward of this name gets another.
      ...["reward_boxes", "count", "advantage"],
    ]);
    expect(found.map(({ completion, advantage, boxes }) => ({ completion, advantage, boxes }))).toEqual(
      chains.map(({ text, advantage, boxes }) => ({
        completion: text,
        advantage,
        boxes: boxes.map(({ box }) => box),
      })),
    );
    // One answer of the first step was not scored.
    expect(found.filter(({ answer }) => answer === null)).toHaveLength(1);
  });

  test("images are structs of bytes and path, null where the file is gone; features as datasets reads them", async () => {
    const { out } = await trackRun(run, "parquet");
    const file = join(out, "eval", "after.parquet");
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const [{ image }] = (await parquetReadObjects({ file: bytes, compressors, utf8: false })) as [{ image: object }];
    const answers = (await readRunFolder(run)).evals.get("after")!;
    expect(image).toEqual({
      bytes: new Uint8Array(readFileSync(join(run, answers[0]!.image))),
      path: answers[0]!.image.slice("images/".length),
    });
    const gone = join(run, answers[0]!.image);
    const png = readFileSync(gone);
    rmSync(gone);
    await trackRun(run, "parquet");
    writeFileSync(gone, png);
    expect((await rows(file))[0]!.image).toBeUndefined();
    const value = parquetMetadata(bytes).key_value_metadata!.find(({ key }) => key === "huggingface")!.value!;
    expect(JSON.parse(value).info.features).toMatchObject({
      image: { _type: "Image" },
      accuracy: { dtype: "float64", _type: "Value" },
    });
  });
});

describe("what is refused", () => {
  test("a run without steps, and a folder that holds none", async () => {
    const empty = place();
    mkdirSync(empty);
    await expect(trackRun(empty, "parquet")).rejects.toThrow(UserError);
    writeFileSync(join(empty, "run.json"), "{}");
    await expect(trackRun(empty, "parquet")).rejects.toThrow(/has no steps yet/);
    expect(readdirSync(empty)).toEqual(["run.json"]);
  });

  test.each(Object.keys(TRACKERS) as (keyof typeof TRACKERS)[])("a damaged file leaves nothing of %s", async (name) => {
    const out = place();
    const file = join(run, "rollouts", "step-000003.jsonl");
    const before = readFileSync(file);
    appendFileSync(file, "{\n");
    await expect(trackRun(run, name, out)).rejects.toThrow(/step-000003\.jsonl:25: not valid JSON/);
    writeFileSync(file, before);
    expect(existsSync(out)).toBe(false);
    expect(existsSync(join(run, "track"))).toBe(false);
  });

  test("a place that is a file", async () => {
    const out = place();
    writeFileSync(out, "mine");
    await expect(trackRun(run, "wandb", out)).rejects.toThrow(UserError);
    expect(readFileSync(out, "utf8")).toBe("mine");
  });
});

describe("following", () => {
  test("every step once, those before the first that is told too, and none waited for", async () => {
    const told: string[] = [];
    const followers = new Followers(run, ["tensorboard", "wandb"], (message) => told.push(message));
    // As a run that is resumed after its first step.
    followers.after(metrics[1]!);
    followers.after(metrics[2]!);
    expect(existsSync(join(run, "track"))).toBe(false);
    await followers.close();
    const followed = eventFile(join(run, "track", "tensorboard"));
    const { history } = wandbRun(join(run, "track"));
    await trackRun(run, "tensorboard");
    expect(followed).toEqual(eventFile(join(run, "track", "tensorboard")));
    expect(history.map(({ _step }) => _step)).toEqual([1, 2, 3]);
    expect(told).toEqual([]);
  });

  test("a tracker that fails is named once; the others go on", async () => {
    const told: string[] = [];
    mkdirSync(join(run, "track"));
    writeFileSync(join(run, "track", "tensorboard"), "in the way");
    const followers = new Followers(run, ["tensorboard", "parquet"], (message) => told.push(message));
    for (const line of metrics) followers.after(line);
    await followers.close();
    expect(told).toEqual([
      expect.stringMatching(/^tracker tensorboard is left out.*\n.*grit track .* --to tensorboard$/),
    ]);
    expect(readdirSync(join(run, "track", "parquet", "rollouts"))).toHaveLength(STEPS);
  });

  test("without a step nothing is written", async () => {
    const followers = new Followers(run, ["tensorboard"], () => expect.unreachable());
    await followers.close();
    expect(existsSync(join(run, "track"))).toBe(false);
  });
});
