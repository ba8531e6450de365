/**
 * @file Whether what long commands say of the time left comes true: the quickstart whole, then training and evaluation by
 * themselves, on the tiny base. Each plain line is held to what was left when it was printed. Long, and a matter of time.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scratch } from "../tiny.ts";

const dir = scratch();

interface Told {
  /** Seconds since the command was started, and the seconds left that the line tells. */
  readonly at: number;
  readonly left: number;
  readonly line: string;
}

/** Runs a command: when its first line came, all that its lines told, and when it ended. */
async function timed(...args: string[]): Promise<{ code: number | null; first: number; told: Told[]; end: number }> {
  const started = performance.now();
  const now = () => (performance.now() - started) / 1000;
  const child = spawn(process.execPath, ["bin/grit.mjs", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let first = Number.POSITIVE_INFINITY;
  let rest = "";
  const told: Told[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    first = Math.min(first, now());
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      expect(line).not.toMatch(/NaN|Infinity|\b0 s left/);
      const left = /(?:(\d+) h )?(?:(\d+) min )?(?:(\d+) s )?left/.exec(line);
      const part = (i: number) => Number(left?.[i] ?? 0);
      if (left) told.push({ at: now(), left: part(1) * 3600 + part(2) * 60 + part(3), line });
    }
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, first, told, end: now() };
}

/** After the first tenth, within a factor of 1.5; seconds are rounded, and what follows the work takes one or two. */
function expectTrue({ code, first, told, end }: Awaited<ReturnType<typeof timed>>): void {
  expect(code).toBe(0);
  expect(first).toBeLessThan(3);
  const later = told.filter(({ at }) => at > end / 10);
  // A plain line comes every ten seconds or so, however fast the machine.
  expect(later.length).toBeGreaterThanOrEqual(Math.max(1, Math.floor(end / 20)));
  const wrong = later.filter(({ at, left }) => left > 1.5 * (end - at) + 3 || left < (end - at) / 1.5 - 3);
  expect(wrong.map(({ at, line }) => `${at.toFixed(0)} s of ${end.toFixed(0)}: ${line}`)).toEqual([]);
}

it("the quickstart, which gains what it promises and counts all of its time", { retry: 1 }, async () => {
  const run = join(dir, `quickstart-${Math.round(performance.now())}`);
  const ran = await timed("quickstart", "--run", run);
  expectTrue(ran);
  const { sets, gate, seconds } = JSON.parse(readFileSync(join(run, "summary.json"), "utf8"));
  for (const set of ["vsr", "tallyqa"]) {
    expect(sets[set].acc.low).toBeGreaterThan(0.2);
    expect(sets[set].giou.low).toBeGreaterThan(0.5);
    expect(gate[set].forced - gate[set].greedy).toBeGreaterThan(0.2);
  }
  for (const metrics of Object.values<{ acc: object; giou: object }>(sets))
    for (const metric of ["acc", "giou"] as const)
      expect(Object.keys(metrics[metric]).sort()).toEqual(["after", "before", "gain", "high", "low"]);
  const { setup, ...rest } = seconds as Record<string, number>;
  expect(setup).toBeGreaterThanOrEqual(0);
  const counted = Object.values(rest).reduce((sum, part) => sum + part, 0);
  expect(Math.abs(counted - ran.end)).toBeLessThan(0.03 * ran.end + 1);
  expect(existsSync(join(run, "report.html"))).toBe(true);
});

it("training, with evaluations between the steps", { retry: 1 }, async () => {
  const overrides = ["steps=12", "eval.every=4", "data.eval={vsr: .cache/scenes/vsr_val.jsonl}"];
  expectTrue(await timed("train", "recipes/tiny.yaml", ...overrides, "--run", join(dir, `train-${performance.now()}`)));
});

it("evaluation", { retry: 1 }, async () => {
  const data = ["vsr", "tallyqa", "gqa", "mme", "mathvista_mini", "ovd_position"]
    .map((set) => `.cache/scenes/${set}_val.jsonl`)
    .join(",");
  const asked = ["--model", "models/grit-tiny-base", "--max-tokens", "256", "--prefix", "<think> Boxes:"];
  expectTrue(await timed("eval", ...asked, "--data", data, "--out", join(dir, `eval-${performance.now()}`)));
});
