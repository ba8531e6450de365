/** @file The studio's answers over a made-up run, also one that is damaged, grows or is attacked. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { scratch } from "../../test/tiny.ts";
import { writeSyntheticRun } from "../report/synthetic-run.ts";
import type { ReadAnswer } from "../run/lines.ts";
import { studioApp } from "./open-studio.ts";
import type {
  AnswerFact,
  ChainLine,
  EvaluationEntry,
  EvaluationTable,
  FoundStep,
  MetricColumns,
  RunFacts,
  RunList,
  StepChains,
} from "./studio-data.ts";

const folder = scratch();
const page = join(folder, "page");
const runs = join(folder, "runs");
const run = join(runs, "a", "made-up");
const HEADERS = { host: "127.0.0.1:6070" };

beforeAll(async () => {
  mkdirSync(page);
  writeFileSync(join(page, "index.html"), "<!doctype html>the page");
  mkdirSync(run, { recursive: true });
  await writeSyntheticRun(run, { steps: 6, perSet: 1 });
});

/** The answer to a request, by an app of its own. */
async function get(path: string, headers: Record<string, string> = {}, app = studioApp(runs, { page })) {
  return app.request(`http://127.0.0.1:6070${path}`, { headers: { ...HEADERS, ...headers } });
}
async function json<T>(path: string, app?: ReturnType<typeof studioApp>): Promise<T> {
  const response = await get(path, {}, app);
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}
const RUN = "/api/runs/a%2Fmade-up";

describe("runs", () => {
  test("are found below the folder, with their ends", async () => {
    const { runs: found } = await json<RunList>("/api/runs");
    expect(found).toMatchObject([
      { id: "a/made-up", state: "finished", step: 6, steps: 6, method: "grit", seed: null, fault: null },
    ]);
    expect(found[0]!.first["reward.mean"]).toBeLessThan(found[0]!.last["reward.mean"]!);
    expect((await json<RunFacts>(RUN)).rolloutSteps).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("one alone is the folder itself", async () => {
    const { runs: found } = await json<RunList>("/api/runs", studioApp(run, { page }));
    expect(found.map(({ id }) => id)).toEqual(["made-up"]);
    expect(await json<RunFacts>("/api/runs/made-up", studioApp(run, { page }))).toMatchObject({ step: 6 });
  });

  test("a run that trains, stops, and has a damaged run.json", async () => {
    const own = join(scratch(), "own");
    mkdirSync(own);
    writeFileSync(join(own, "run.json"), JSON.stringify({ recipe: { steps: 4 } }));
    const state = async () => (await json<RunList>("/api/runs", studioApp(own, { page }))).runs[0]!;
    expect(await state()).toMatchObject({ state: "begun", step: 0 });
    writeFileSync(
      join(own, "metrics.jsonl"),
      '{"step":1,"seconds":{"total":3}}\n{"step":2,"seconds":{"total":5}}\n{"ste',
    );
    expect(await state()).toMatchObject({ state: "stopped", step: 2, secondsLeft: null });
    writeFileSync(join(own, ".lock"), `process ${process.pid} on elsewhere`);
    expect(await state()).toMatchObject({ state: "training", step: 2, secondsLeft: 8 });
    writeFileSync(join(own, "run.json"), "{");
    expect(await state()).toMatchObject({ fault: "run.json is damaged", steps: null });
  });
});

describe("metrics", () => {
  test("come as columns, and after a step only what is new", async () => {
    const all = await json<MetricColumns>(`${RUN}/metrics`);
    expect(all.steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all.columns["reward.terms.answer"]).toHaveLength(6);
    const some = await json<MetricColumns>(`${RUN}/metrics?after=4&names=kl,entropy`);
    expect(some.steps).toEqual([5, 6]);
    expect(Object.keys(some.columns).sort()).toEqual(["entropy", "kl"]);
    expect(some.columns.kl).toEqual(all.columns.kl!.slice(4));
  });

  test("a live file: new lines, a damaged one, alarms, a step written again", async () => {
    const own = join(scratch(), "live");
    mkdirSync(own);
    writeFileSync(join(own, "metrics.jsonl"), '{"step":1,"kl":0.1}\n{"step":2,"kl":0.2}\n');
    const app = studioApp(own, { page });
    const columns = () => json<MetricColumns>("/api/runs/live/metrics", app);
    expect((await columns()).columns.kl).toEqual([0.1, 0.2]);
    const rung = (message: string) => ({ name: "flat", since: 3, figures: {}, message, remedy: "Raise it." });
    const lines = [
      "damaged",
      JSON.stringify({ step: 3, kl: 0.3, alarms: [rung("Rewards are flat.")] }),
      JSON.stringify({ step: 4, kl: 0.4, alarms: [rung("Rewards are still flat.")] }),
      '{"st',
    ];
    appendFileSync(join(own, "metrics.jsonl"), lines.join("\n"));
    expect(await columns()).toEqual({
      steps: [1, 2, 3, 4],
      columns: { kl: [0.1, 0.2, 0.3, 0.4] },
      alarms: [{ name: "flat", since: 3, message: "Rewards are still flat.", remedy: "Raise it." }],
      damaged: [3],
    });
    writeFileSync(join(own, "metrics.jsonl"), '{"step":1,"kl":0.1}\n{"step":2,"kl":0.9}\n{"step":2,"kl":0.8}\n');
    expect((await columns()).columns.kl).toEqual([0.1, 0.8]);
  });
});

describe("chains", () => {
  test("of a step, and whole by their lines", async () => {
    const { chains, damaged } = await json<StepChains>(`${RUN}/steps/6`);
    expect([chains.length, damaged]).toEqual([24, []]);
    const lines = readFileSync(join(run, "rollouts/step-000006.jsonl"), "utf8").trimEnd().split("\n");
    const some = await json<ChainLine[]>(`${RUN}/steps/6/chains?lines=23,0`);
    expect(some).toEqual([23, 0].map((line) => ({ ...JSON.parse(lines[line]!), line })));
    expect(chains[23]).toMatchObject({ line: 23, total: some[0]!.total, dataset: some[0]!.dataset });
  });

  test("as a filter wants them", async () => {
    const all = (await json<StepChains>(`${RUN}/steps/1`)).chains;
    const lines = async (query: string) =>
      (await json<StepChains>(`${RUN}/steps/1?${query}`)).chains.map(({ line }) => line);
    const those = (wanted: (chain: (typeof all)[number]) => boolean) => all.filter(wanted).map(({ line }) => line);
    expect(await lines("outcome=unscored")).toEqual([5]);
    expect(await lines("outcome=wrong")).toEqual(those(({ right }) => right === false));
    expect(await lines("outcome=in+form&dataset=vsr")).toEqual(those(({ dataset }) => dataset === "vsr"));
    expect(await lines("least=0.5&most=1.6")).toEqual(
      those(({ total }) => total !== null && total >= 0.5 && total <= 1.6),
    );
    expect(await lines("words=HOW+MANY+blocks%3F")).toEqual(those(({ group }) => group === 3));
    expect(await lines("task=count")).toEqual(those(({ dataset }) => dataset === "tallyqa"));
  });

  test("the next and the previous step that has one", async () => {
    const find = (query: string) => json<FoundStep>(`${RUN}/find?${query}`);
    expect(await find("from=6&direction=-1&outcome=unscored")).toEqual({ found: 1, searchedTo: 1, atEnd: false });
    expect(await find("from=1&direction=1&outcome=unscored")).toEqual({ found: null, searchedTo: 6, atEnd: true });
    expect(await find("from=2&direction=1&words=blocks")).toMatchObject({ found: 3 });
  });

  test("a file that is cut while it is read, or not there", async () => {
    const own = join(scratch(), "cut");
    cpSync(run, own, { recursive: true });
    const file = join(own, "rollouts/step-000002.jsonl");
    const app = studioApp(own, { page });
    const chains = () => json<StepChains>("/api/runs/cut/steps/2", app);
    expect((await chains()).chains).toHaveLength(24);
    truncateSync(file, 3000);
    const left = (await chains()).chains.length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(24);
    expect(await json<ChainLine[]>("/api/runs/cut/steps/2/chains?lines=0,23", app)).toHaveLength(1);
    expect(await json<StepChains>("/api/runs/cut/steps/99", app)).toEqual({ step: 99, chains: [], damaged: [] });
  });

  test("tokens need log-probabilities, and it says so", async () => {
    const response = await get(`${RUN}/steps/1/tokens/0`);
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { error: { message: /no log-probabilities/ } },
    ]);
  });
});

describe("evaluations", () => {
  const OF = "/api/evaluations/a%2Fmade-up%2Feval%2F";

  /** As `grit eval --out` writes one: images by their paths. Gives its address. */
  function alone(name: string, image: (image: string) => string = (image) => join(run, image)): string {
    const dir = join(runs, name);
    mkdirSync(dir, { recursive: true });
    const answers = readFileSync(join(run, "eval", "after", "samples.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    const lines = answers.map((line) => JSON.stringify({ ...JSON.parse(line), image: image(JSON.parse(line).image) }));
    writeFileSync(join(dir, "samples.jsonl"), `${lines.join("\n")}\n`);
    writeFileSync(join(dir, "manifest.json"), "{}");
    return `/api/evaluations/${encodeURIComponent(name)}`;
  }

  test("their names, answers and tables: one, and two with what changed", async () => {
    const list = await json<EvaluationEntry[]>("/api/evaluations");
    expect(list).toEqual(["after", "before"].map((name) => ({ id: `a/made-up/eval/${name}`, run: "a/made-up" })));
    const facts = await json<AnswerFact[]>(`${OF}after`);
    expect(facts.map(({ set }) => set)).toEqual(["vsr", "tallyqa", "gqa", "mme", "mathvista", "ovd"]);
    const [answer] = await json<ReadAnswer[]>(`${OF}after/answers?lines=2`);
    expect(answer).toMatchObject({ id: facts[2]!.id, set: "gqa", question: facts[2]!.question });
    const { sets } = await json<EvaluationTable>(`${OF}before/table?against=a%2Fmade-up%2Feval%2Fafter`);
    const before = await json<AnswerFact[]>(`${OF}before`);
    for (const [i, { acc, samples }] of sets.entries()) {
      expect([samples, acc.first?.value?.mean ?? null]).toEqual([1, before[i]!.acc]);
      expect(acc.gain?.gain ?? null).toEqual(facts[i]!.acc === null ? null : facts[i]!.acc - before[i]!.acc!);
    }
    const single = await json<EvaluationTable>(`${OF}after/table`);
    expect(single.sets[0]!.acc).toMatchObject({ second: null, gain: null });
  });

  test("one by itself is compared with one of a run, and shows the images that its answers name", async () => {
    const address = alone("tables/alone");
    expect(await json<EvaluationEntry[]>("/api/evaluations")).toContainEqual({ id: "tables/alone", run: null });
    const { sets } = await json<EvaluationTable>(`${address}/table?against=a%2Fmade-up%2Feval%2Fafter`);
    expect(sets.map(({ acc }) => acc.gain?.gain ?? null)).toEqual([0, 0, 0, 0, 0, null]);
    const [answer] = await json<ReadAnswer[]>(`${address}/answers?lines=1`);
    const bytes = readFileSync(answer!.image);
    for (const path of [`${address}/images/1`, `${OF}after/images/1`]) {
      const response = await get(path);
      expect([path, response.headers.get("content-type")]).toEqual([path, "image/png"]);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    }
  });

  test("no image that is none, and no line that is not there", async () => {
    for (const [name, image] of [
      ["text", join(run, "run.json")],
      ["folder", run],
      ["device", "/dev/zero"],
      ["nothing", join(run, "none.png")],
      ["climbing", "../../made-up/run.json"],
    ] as const) {
      const address = alone(`tables/${name}`, () => image);
      expect([name, (await get(`${address}/images/0`)).status]).toEqual([name, 404]);
    }
    expect((await get(`${OF}after/images/99`)).status).toBe(404);
    for (const line of ["-1", "x", "..%2Frun.json"])
      expect([line, (await get(`${OF}after/images/${line}`)).status]).toEqual([line, 400]);
  });

  test("one that is not there", async () => {
    for (const path of ["none", "..%2F..", "none/table", "after/table?against=..", "none/answers?lines=0"]) {
      expect([path, (await get(`${OF}${path}`)).status]).toEqual([path, 404]);
    }
  });
});

describe("images", () => {
  const name = () => readdirSync(join(run, "images"))[0]!;

  test("are those of the run", async () => {
    const response = await get(`${RUN}/images/${name()}`);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(readFileSync(join(run, "images", name())));
  });

  test("nothing else: no other folder, no link, no text", async () => {
    writeFileSync(join(run, "images", "words.txt"), "secret");
    symlinkSync(join(run, "run.json"), join(run, "images", "link.png"));
    for (const path of [
      "..%2Frun.json",
      "%2e%2e%2frun.json",
      "../run.json",
      "link.png",
      "words.txt",
      ".png",
      "none.png",
      "a%00.png",
    ]) {
      expect((await get(`${RUN}/images/${path}`)).status, path).toBe(404);
    }
  });
});

describe("who may ask, and for what", () => {
  test("the page is at one address", async () => {
    const response = await get("/?view=chains&run=a");
    expect(await response.text()).toContain("the page");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const path of [
      "/runs",
      "/index.html",
      "/api",
      "/api/runs/none",
      "/api/runs/..%2F..",
      "/%2e%2e/etc/passwd",
      `${RUN}/steps`,
    ]) {
      const refused = await get(path);
      expect([path, refused.status, await refused.text()]).toEqual([
        path,
        404,
        expect.not.stringContaining("the page"),
      ]);
    }
  });

  test("a query that is none is named", async () => {
    for (const path of [
      `${RUN}/steps/x`,
      `${RUN}/steps/1?outcome=lost`,
      `${RUN}/find?from=1`,
      `${RUN}/steps/1/chains?lines=-1`,
    ]) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 400]);
    }
  });

  test.each([
    ["a foreign host", { host: "evil.example" }, 403],
    ["a foreign page", { origin: "https://evil.example" }, 403],
    ["the studio's own page", { origin: "http://127.0.0.1:6070" }, 200],
    ["this machine by its name", { host: "localhost:6070" }, 200],
  ])("%s", async (_, headers, status) => {
    for (const path of ["/", "/api/runs", `${RUN}/metrics`]) expect((await get(path, headers)).status).toBe(status);
  });

  test("nothing can be sent", async () => {
    const response = await studioApp(runs, { page }).request(`http://127.0.0.1:6070${RUN}`, {
      method: "POST",
      headers: HEADERS,
    });
    expect(response.status).toBe(404);
  });

  test("a page that is not built is told; a folder that is not there yet has no runs", async () => {
    expect(() => studioApp(runs, { page: join(folder, "none") })).toThrow(/not built/);
    const { runs: found } = await json<RunList>("/api/runs", studioApp(join(folder, "none"), { page }));
    expect(found).toEqual([]);
  });
});
