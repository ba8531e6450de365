import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import {
  boxesOf,
  evaluate,
  exportModel,
  generate,
  loadCompletions,
  loadLines,
  loadRecipe,
  openEngine,
  score,
  UserError,
} from "./index.ts";
import { chainOf, makeRollout } from "./rewards/fixtures.ts";

const dir = mkdtempSync(join(tmpdir(), "grit-library-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs a program against the sources, as `npm run example` does. */
function run(args: readonly string[]): string {
  const command = ["--conditions=grit-source", "--import", "tsx", ...args];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("importing the library loads no native code; a tensor loads libtorch", () => {
  const script = `const native = () => process.report.getReport().sharedObjects.filter((path) => path.endsWith(".node"));
    const { openEngine, loadRecipe } = await import("grit-ts");
    const recipe = await loadRecipe("tiny");
    const before = native();
    await (await openEngine(recipe)).dispose();
    console.log(JSON.stringify([before, native().map((path) => path.split("/").at(-1))]));`;
  const [before, after] = JSON.parse(run(["--input-type=module", "--eval", script])) as string[][];
  expect(before).toEqual([]);
  expect(after).toContain("grit.node");
});

test("boxes of a chain, a rollout and a written row", () => {
  const rollout = makeRollout(chainOf(["[1, 2, 30, 40]", "[5, 6, 70, 80]"], "2"));
  const boxes = boxesOf(rollout);
  expect(boxes).toHaveLength(2);
  expect(boxes[0]).toEqual({ space: "image", x1: 1, y1: 2, x2: 30, y2: 40 });
  expect(boxesOf(rollout.chain)).toEqual(boxes);
  expect(boxesOf({ boxes: boxes.map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]) })).toEqual(boxes);
  expect(boxesOf({ boxes: boxes.map(({ x1, y1, x2, y2 }) => ({ box: [x1, y1, x2, y2], start: 0, end: 1 })) })).toEqual(
    boxes,
  );
});

test("an evaluation gives numbers by set and every answer, and refuses what cannot be asked", async () => {
  const picture = sharp({ create: { width: 160, height: 120, channels: 3, background: "teal" } });
  await picture.png().toFile(join(dir, "teal.png"));
  const line = { question: "Is it teal?", answer: "yes", image: "teal.png", dataset: "vsr", split: "val" };
  const data = (question: string) => {
    writeFileSync(join(dir, "teal.jsonl"), `${JSON.stringify({ ...line, question })}\n`);
    return { teal: join(dir, "teal.jsonl") };
  };
  const engine = await openEngine(await loadRecipe("tiny"));
  try {
    const asked: number[] = [];
    const onProgress = (done: number) => asked.push(done);
    const { sets, samples } = await evaluate(engine, { data: data("Is it teal?"), maxTokens: 4, onProgress });
    expect(sets.teal).toMatchObject({ n: 1, acc: expect.any(Number), giou: null });
    expect(samples).toMatchObject([{ set: "teal", question: "Is it teal?", tokens: 4, ending: "length" }]);
    expect(asked.at(-1)).toBe(1);
    const faulty = evaluate(engine, { data: data("<|im_end|>") });
    await expect(faulty).rejects.toThrow(UserError);
  } finally {
    await engine.dispose();
  }
});

test("a program generates, scores what was generated, and exports; a signal ends it", async () => {
  const picture = sharp({ create: { width: 160, height: 120, channels: 3, background: "teal" } });
  await picture.png().toFile(join(dir, "sea.png"));
  const [asked, answered] = [join(dir, "asked.jsonl"), join(dir, "answered.jsonl")];
  writeFileSync(asked, JSON.stringify({ question: "Teal?", answer: "yes", image: "sea.png", dataset: "vsr" }));
  const recipe = await loadRecipe("tiny", ["precision=float32"]);
  const engine = await openEngine(recipe);
  try {
    const lines = await loadLines([asked]);
    const progress: string[] = [];
    const rows = await generate(engine, lines, {
      maxTokens: 4,
      onChecked: (done) => progress.push(`checked ${done}`),
      onProgress: (done) => progress.push(`done ${done}`),
    });
    expect([progress[0], progress.at(-1)]).toEqual(["checked 1", "done 1"]);
    expect(rows).toMatchObject([{ id: "vsr-1", question: "Teal?", ended: "length" }]);
    writeFileSync(answered, JSON.stringify(rows[0]));
    const completions = await loadCompletions([answered]);
    const [scored] = await score(engine, completions);
    expect(scored!.tokens).toEqual(rows[0]!.tokens);
    for (const [i, logprob] of scored!.logprobs.entries()) expect(logprob).toBeCloseTo(rows[0]!.logprobs[i]!, 3);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(generate(engine, lines, { signal })).rejects.toThrow("enough");
    await expect(score(engine, completions, { signal })).rejects.toThrow("enough");
  } finally {
    await engine.dispose();
  }
  const stages: string[] = [];
  const exported = await exportModel(recipe.model, join(dir, "exported"), {
    verify: true,
    onStage: (stage) => stages.push(stage),
  });
  expect(exported).toEqual({ mergedGap: undefined, missingModules: [] });
  expect(stages).toEqual(["read", "write", "verify"]);
  await expect(exportModel(recipe.model, join(dir, "exported"))).rejects.toThrow("already exists");
});

test("every example has at most 40 lines", () => {
  for (const name of readdirSync("examples"))
    expect(readFileSync(join("examples", name), "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(40);
});
