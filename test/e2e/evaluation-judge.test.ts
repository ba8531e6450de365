/**
 * @file Evaluations whose judge is a service: which one it was is pinned, what a model has said outlives the judge's failing,
 * and the commands end and go on as they should.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { renderSets } from "../../src/data/scenes/sets.ts";
import { RemoteEngine } from "../../src/engine/remote-engine.ts";
import { type HashedSet, loadSets, runEvaluation } from "../../src/evaluation/evaluate.ts";
import type { Judge } from "../../src/judge/judge.ts";
import type { Answered } from "../../src/run/lines.ts";
import { Interrupted } from "../../src/util/errors.ts";
import { grit, readLines } from "../commands.ts";
import { DEVICE } from "../device.ts";
import { loadGolden } from "../golden/golden.ts";
import { JudgeServer } from "../judge-server.ts";
import { scratch } from "../tiny.ts";

const dir = scratch();
const model = loadGolden("tied").dir;
const scenes = join(dir, "scenes");
const server = new JudgeServer();

beforeAll(async () => {
  process.env.GRIT_TEST_KEY = "secret-key";
  await server.start();
  await renderSets({ out: scenes, seed: 1, counts: { train: 2, val: 7 } });
});
afterAll(async () => {
  await server.stop();
  delete process.env.GRIT_TEST_KEY;
});
beforeEach(() => {
  server.behave = () => "judge";
});

/** A file of judge settings, with verdicts of its own. */
function judgeFile(name: string, openai: object = {}, judge = "openai"): string {
  const path = join(dir, `${name}.yaml`);
  const settings = { base_url: server.url, key_env: "GRIT_TEST_KEY", cache: join(dir, "verdicts", name), ...openai };
  writeFileSync(path, JSON.stringify({ name: judge, openai: settings }));
  return path;
}

/** The command that asks the set vsr directly: random weights answer something, and all of it is judged. */
const command = (out: string, judge: string, ...more: string[]) => [
  ...["eval", "--model", model, "--device", DEVICE, "--max-tokens", "8", "--temperature", "1", "--method", "direct"],
  ...["--data", join(scenes, "vsr_val.jsonl"), "--name", "tiny", "--out", join(dir, out), "--judge", judge, ...more],
];
const contentOf = (out: string, name: string) => readFileSync(join(dir, out, name), "utf8");

describe("which judge it was", () => {
  const [one, other] = ["one", "other"].map((name) => () => judgeFile(name, { model: name })) as [
    () => string,
    () => string,
  ];

  it("is in the manifest, whole and without the key", async () => {
    expect(await grit(...command("one", one()))).toMatchObject({ code: 0 });
    const { judge } = JSON.parse(contentOf("one", "manifest.json")) as { judge: object };
    expect(judge).toEqual({
      name: "openai",
      model: "one",
      base_url: server.url,
      form: "json_schema",
      instruction: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(contentOf("one", "manifest.json")).not.toContain("secret-key");
  });

  it("must be the same to go on; another is named by --compare, and is no seed of the same row", async () => {
    const before = contentOf("one", "samples.jsonl");
    const refused = await grit(...command("one", other()));
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('judge.model: "one" there, "other" now')]);
    expect(contentOf("one", "samples.jsonl")).toBe(before);

    expect(await grit(...command("other", other(), "--seed", "2"))).toMatchObject({ code: 0 });
    const folders = [join(dir, "one"), join(dir, "other")];
    const { out } = await grit("eval", "--compare", ...folders);
    expect(out).toMatch(/judge\.model +"one" +→ +"other"/);
    const table = await grit("eval", "--table", ...folders);
    expect(table.out).not.toContain("2 seeds");
    for (const folder of folders) expect(table.out).toContain(`tiny (${folder})`);
  });

  it("an endpoint that takes no schema is another judge", async () => {
    server.behave = ({ body }) =>
      body.response_format ? { status: 400, message: "no response_format here" } : "judge";
    const { code, err } = await grit(...command("one", one()));
    expect([code, err]).toEqual([2, expect.stringContaining('judge.form: "json_schema" there, "text" now')]);
    expect(err).toContain("judge.instruction: ");
  });

  it("by name alone, as earlier versions wrote it, is read; it goes on where there is no more to it", async () => {
    const exact = command("exact", "exact");
    expect(await grit(...exact)).toMatchObject({ code: 0 });
    const path = join(dir, "exact", "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...manifest, judge: "exact" }));
    expect(await grit(...exact)).toMatchObject({ code: 0 });
    const refused = await grit(...command("exact", one()));
    expect([refused.code, refused.err]).toEqual([
      2,
      expect.stringContaining('judge.name: "exact" there, "openai" now'),
    ]);
  });
});

describe("what was said", () => {
  let sets: HashedSet[];
  let asked: number;

  beforeAll(async () => {
    sets = await loadSets({ vsr: join(scenes, "vsr_val.jsonl") }, {});
  });

  /** Evaluates in a folder, in batches of three, by a judge that always has the same name. */
  async function evaluated(out: string, judge: Judge["judge"]): Promise<void> {
    const engine = await RemoteEngine.open(model, {
      device: DEVICE,
      precision: "float32",
      image: { maxPixels: 12544 },
    });
    const sample = engine.sample.bind(engine);
    engine.sample = (...given) => {
      asked++;
      return sample(...given);
    };
    const asking = { method: "direct", temperature: 1, maxTokens: 8, seed: 3 } as const;
    const plan = { name: "tiny", model, sets, asking, judge: { name: "by length", judge } };
    asked = 0;
    try {
      await runEvaluation(engine, plan, { dir: join(dir, out), batch: 3 });
    } finally {
      await engine.dispose();
    }
  }
  const byLength: Judge["judge"] = async ({ response }) => response.length / 1000;
  const linesOf = (out: string) => readLines<Answered>(join(dir, out, "samples.jsonl"));
  const expectUnbroken = (out: string) => {
    for (const name of ["manifest.json", "samples.jsonl", "summary.json"])
      expect(contentOf(out, name)).toBe(contentOf("unbroken", name));
  };

  it("is kept when the judge fails; nothing is asked again, and the end is the unbroken one, byte for byte", async () => {
    await evaluated("unbroken", byLength);
    expect(asked).toBe(3);
    let judged = 0;
    const failing: Judge["judge"] = (request) => {
      if (++judged === 5) throw new Interrupted("the judge is out");
      return byLength(request);
    };
    await expect(evaluated("failed", failing)).rejects.toThrow("the judge is out");
    expect(asked).toBe(2);
    expect(linesOf("failed").map(({ acc, unscored }) => [acc !== null, unscored])).toEqual([
      ...Array(3).fill([true, undefined]),
      ...Array(3).fill([false, "not judged yet"]),
    ]);
    const table = await grit("eval", "--table", join(dir, "failed"));
    expect(table.out).toContain("partial 42 %");
    await evaluated("failed", byLength);
    expect(asked).toBe(1);
    expectUnbroken("failed");
  });

  it("is judged again where the judge declined, without the model", async () => {
    const third = linesOf("unbroken")[2]!;
    await evaluated("declined", async (request) =>
      request.question === third.question ? { unscored: "I would rather not" } : byLength(request),
    );
    expect(linesOf("declined").map(({ unscored }) => unscored)).toContain("I would rather not");
    await evaluated("declined", byLength);
    expect(asked).toBe(0);
    expectUnbroken("declined");
  });
});

describe("grit eval", () => {
  /** Out after so many requests, until it is told otherwise; counted from now. */
  const outFrom = (first: number, until = Number.POSITIVE_INFINITY) => {
    const begun = server.received.length;
    server.behave = (_, n) => (n - begun >= first && n - begun < until ? { status: 503 } : "judge");
  };
  const samplesOf = (out: string) => contentOf(out, "samples.jsonl");

  beforeAll(async () => {
    server.behave = () => "judge";
    expect(await grit(...command("served", judgeFile("served")))).toMatchObject({ code: 0 });
  });

  it("writes nothing without a key, or with one that is refused: exit code 2", async () => {
    // Said before the model is loaded, which has nothing but its name here.
    const empty = join(dir, "empty-model");
    mkdirSync(empty);
    writeFileSync(join(empty, "config.json"), "{}");
    const noKey = judgeFile("no-key", { key_env: "GRIT_TEST_NO_KEY" });
    const missing = await grit(...command("no-key", noKey, "--model", empty));
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("GRIT_TEST_NO_KEY is not set")]);
    server.behave = () => ({ status: 401, message: "no such key" });
    const refused = await grit(...command("no-key", judgeFile("no-key")));
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("refuses: HTTP 401: no such key")]);
    expect(existsSync(join(dir, "no-key"))).toBe(false);
  });

  it("says at its end what the judge has cost, this time", async () => {
    const priced = judgeFile("priced", { model: "some", price: { input: 2, output: 10 } });
    const tokens = (requests: number) =>
      `${(150 * requests).toLocaleString("en")} tokens asked, ${7 * requests} answered`;
    const first = await grit(...command("priced", priced));
    expect(first.out).toContain(`judge some: ${tokens(8)}, $0.0030\n`);
    // All verdicts are known: only the question that proves the judge is asked.
    const again = await grit(...command("priced", priced));
    expect(again.out).toContain(`judge some: ${tokens(1)}, $0.0004\n`);
    const recipe = join(dir, "table.yaml");
    const openai = {
      base_url: server.url,
      key_env: "GRIT_TEST_KEY",
      cache: join(dir, "verdicts", "table"),
      model: "other",
    };
    const table = { sets: { vsr: "scenes/vsr_val.jsonl" }, limit: 1, model, device: DEVICE, max_tokens: 4 };
    const rows = { direct: { method: "direct" }, "direct-too": { method: "direct", prefix: "It" } };
    writeFileSync(recipe, JSON.stringify({ ...table, rows, judge: { name: "openai", openai } }));
    const { out } = await grit("eval", recipe, "--out", join(dir, "table"));
    expect(out).toContain(`judge other: ${tokens(3)}, no openai.price`);
    expect(out.match(/tokens asked/g)).toHaveLength(1);
  });

  it("waits for a judge that answers again", async () => {
    outFrom(3, 6);
    expect(await grit(...command("waited", judgeFile("waited")))).toMatchObject({ code: 0 });
    expect(samplesOf("waited")).toBe(samplesOf("served"));
  });

  it("stops when the judge stays out, and goes on by the same command", async () => {
    const again = command("stopped", judgeFile("stopped", { patience: 0, concurrency: 1 }));
    outFrom(4);
    const { code, err } = await grit(...again);
    expect(code).toBe(130);
    expect(err).toMatch(/has stopped answering \(HTTP 503.*\n {2}Interrupted; the same command continues\./);
    const said = readLines<Answered>(join(dir, "stopped", "samples.jsonl"));
    expect(said.map(({ acc }) => acc)).toEqual(Array(7).fill(null));
    server.behave = () => "judge";
    const begun = server.received.length;
    expect(await grit(...again)).toMatchObject({ code: 0 });
    expect(samplesOf("stopped")).toBe(samplesOf("served"));
    // One proves the judge; three verdicts were there already.
    expect(server.received.length - begun).toBe(1 + 7 - 3);
  });

  it("is ended by Ctrl-C while the judge is out, and goes on by the same command", async () => {
    const again = command("ended", judgeFile("ended", { patience: 40 }));
    outFrom(1);
    const begun = server.received.length;
    const child = spawn(process.execPath, ["bin/grit.mjs", ...again], { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors += text;
    });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await vi.waitUntil(() => server.received.length > begun + 1, { timeout: 60_000 });
    const interrupted = performance.now();
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(performance.now() - interrupted).toBeLessThan(20_000);
    expect(errors).toContain("Interrupted; the same command continues.");
    server.behave = () => "judge";
    expect(await grit(...again)).toMatchObject({ code: 0 });
    expect(samplesOf("ended")).toBe(samplesOf("served"));
  });
});

describe("MMHal-Bench's rubric", () => {
  const TYPES = ["attribute", "other"];
  const data = join(dir, "mmhal.jsonl");

  beforeAll(() => {
    const lines = readLines<Record<string, unknown>>(join(scenes, "vsr_val.jsonl")).map((line, i) => ({
      ...line,
      ...{ id: `mmhal-${i}`, image: join(scenes, String(line.image)), bboxs: [] },
      ...{ dataset: `mmhal_${TYPES[i % 2]}`, key_words: ["Cube", "Table"], answer: "It is not there: nothing is." },
    }));
    writeFileSync(data, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  });

  /** Rates every second answer 5, the others 1; of the questions that `odd` accepts it says something else. */
  const rateBut = (odd: (asked: number) => boolean, otherwise: string) => {
    let asked = -1;
    server.behave = () => {
      const content = odd(asked) ? otherwise : `It says what is there.\nRating: ${asked % 2 === 0 ? 5 : 1}`;
      asked++;
      return { body: { choices: [{ message: { content }, finish_reason: "stop" }] } };
    };
  };
  const rating = (out: string, name: string, ...more: string[]) =>
    command(out, judgeFile(name, { concurrency: 1 }, "mmhal"), "--data", data, ...more);

  it("is asked about every answer, and gives ratings instead of accuracies", async () => {
    rateBut(() => false, "");
    const begun = server.received.length;
    const { code, out } = await grit(...rating("rated", "rated"));
    expect(code).toBe(0);
    const asked = server.received.slice(begun + 1);
    expect(asked).toHaveLength(7);
    for (const { text, body } of asked) {
      expect(text).toContain("\n\nImage contents: Cube, Table\n\nQuestion: ");
      expect(text).toContain("\n\nThe person's answer: It is not there: nothing is.\n\nThe model's answer: ");
      expect(body.response_format).toBeUndefined();
    }
    const lines = readLines<Answered>(join(dir, "rated", "samples.jsonl"));
    expect(lines.map(({ acc, rating }) => [acc, rating])).toEqual([5, 1, 5, 1, 5, 1, 5].map((each) => [null, each]));
    expect(JSON.parse(contentOf("rated", "manifest.json"))).toMatchObject({ judge: { name: "mmhal", form: "text" } });

    const { sets } = JSON.parse(contentOf("rated", "summary.json")) as { sets: Record<string, object> };
    const share = (mean: number, n: number) => ({
      value: { mean, n, low: expect.any(Number), high: expect.any(Number) },
    });
    expect(sets.mmhal).toMatchObject({
      rating: share(23 / 7, 7),
      hallucination: share(3 / 7, 7),
      types: {
        mmhal_attribute: { rating: share(5, 4), hallucination: share(0, 4) },
        mmhal_other: { rating: share(1, 3), hallucination: share(1, 3) },
      },
    });
    expect(out).toMatch(/^rated +set +n +mean rating +hallucination rate$/m);
    expect(out).toMatch(/^tiny +mmhal +7 +3\.29 ±\d\.\d\d +42\.9 ±\d\d\.\d$/m);
    expect(out).toMatch(/^tiny +mmhal_attribute +4 +5\.00 ±0\.00 +0\.0 ±0\.0$/m);
    expect(out).not.toContain("partial");
    const csv = (await grit("eval", "--table", join(dir, "rated"), "--format", "csv")).out.split("\n");
    const cell = (name: string) => csv[1]!.split(",")[csv[0]!.split(",").indexOf(name)];
    expect(cell("mmhal rated mean rating")).toBe(String(23 / 7));
    expect(cell("mmhal mmhal_other rated hallucination rate high")).toBe("1");
    const page = (await grit("eval", "--table", join(dir, "rated"), "--format", "html")).out;
    expect(page).toContain("hallucinates");
    expect(page).toContain("mmhal_attribute");
  });

  it("leaves an answer unscored that it does not rate, and is asked about that one again", async () => {
    rateBut((asked) => asked >= 3 && asked < 7, "It depends.");
    const { out } = await grit(...rating("unrated", "unrated"));
    const odd = () => readLines<Answered>(join(dir, "unrated", "samples.jsonl"))[3]!;
    expect(odd()).toMatchObject({ acc: null, rating: null, unscored: expect.stringContaining("is not a rating") });
    expect(out).toMatch(/^tiny +mmhal +– +partial 85 % +partial 85 %$/m);
    rateBut(() => false, "");
    const again = await grit(...rating("unrated", "unrated"));
    expect(again.out).not.toContain("partial");
    expect(odd()).toMatchObject({ acc: null, rating: expect.any(Number) });
    expect(odd()).not.toHaveProperty("unscored");
  });

  it("is refused where the data lack what it needs, before anything is asked", async () => {
    const begun = server.received.length;
    const other = await grit(...rating("other-set", "other-set", "--data", join(scenes, "vsr_val.jsonl")));
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringMatching(/vsr_val\.jsonl:1: dataset: is vsr, not mmhal_/),
    ]);
    expect(other.err).toContain("grit data import mmhal");
    const bare = join(dir, "bare.jsonl");
    const lines = readLines<{ key_words?: unknown }>(data).map(({ key_words, ...line }) => JSON.stringify(line));
    writeFileSync(bare, `${lines.join("\n")}\n`);
    const blind = await grit(...rating("bare", "bare", "--data", bare));
    expect([blind.code, blind.err]).toEqual([2, expect.stringMatching(/bare\.jsonl:1: key_words: is missing/)]);
    expect(server.received.length).toBe(begun);
    expect(existsSync(join(dir, "bare"))).toBe(false);
  });

  it("is refused where scores from 0 to 1 are wanted", async () => {
    for (const name of ["judge", "rewards"]) {
      const { code, err } = await grit(name, "--data", data, "--out", join(dir, "no.jsonl"), "--judge", "mmhal");
      expect([code, err]).toEqual([
        2,
        expect.stringMatching(/--judge mmhal rates .* in grit eval alone\n +Use exact or/),
      ]);
    }
  });
});
