/**
 * @file Several processes against one, for both families, whole and by an adapter; ranks that are killed, stopped, cut off or started
 * by torchrun, for which GRIT_PYTHON names a Python with torch.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { differing, scratchPlaces, TINIES, tensorsIn } from "../tiny.ts";
import {
  logprobsApart,
  metricsOf,
  momentsApart,
  processOf,
  rolloutsOf,
  start,
  startTraining,
  trainedRun,
  weightsApart,
  writeRecipe,
  writeTrainingData,
} from "./processes.ts";

const MINUTES = 60_000;
const CUT_OFF = join(import.meta.dirname, "cut-off.sh");
const place = scratchPlaces();
const dir = place();
beforeAll(() => writeTrainingData(dir));

const LORA = "lora: { rank: 4, alpha: 8, dropout: 0, parts: [language] }\nloss: { beta: 0.02 }";

describe.each(TINIES)("%s", (checkpoint) => {
  describe.each([
    ["whole", ""],
    ["by an adapter", LORA],
    ["with the tower frozen and masters in the host's memory", "freeze: [vision]\noffload: { optimizer: true }"],
  ])("%s", (_, more) => {
    const recipe = (name: string, keys: string) =>
      writeRecipe(`${place()}-${name}.yaml`, dir, checkpoint, `${more}\n${keys}`);

    // A key's bias adds the same to all scores of a query, which softmax takes away, where positions do not turn keys: no more than
    // rounding arrives there.
    const isWholeTower = checkpoint.startsWith("internvl") && more === "";
    const keyBiases = isWholeTower
      ? [0, 1].map((i) => `model.vision_tower.encoder.layer.${i}.attention.k_proj.bias`)
      : [];

    it(
      "the gradient of two and of four is that of one",
      async () => {
        // Moments without memory are the gradient.
        const file = recipe("gradient", "steps: 1\noptimizer: { lr: 0, betas: [0, 0], clip_norm: 1.0e9 }");
        const one = await trainedRun(file, place());
        for (const processes of ["2", "4"]) {
          const several = await trainedRun(file, place(), "--processes", processes);
          const { apart, idleNames } = momentsApart(several, one, 1);
          expect(apart).toBeLessThan(1e-6);
          expect(idleNames).toEqual(keyBiases);
        }
      },
      5 * MINUTES,
    );

    it(
      "so are ten steps: the same rollouts, losses and weights",
      async () => {
        const file = recipe("steps", "steps: 10");
        const [one, two] = await Promise.all([
          trainedRun(file, place()),
          trainedRun(file, place(), "--processes", "2"),
        ]);
        expect(rolloutsOf(two)).toEqual(rolloutsOf(one));
        expect(logprobsApart(two, one)).toBeLessThan(2e-4);
        for (const [i, { loss }] of metricsOf(two).entries())
          expect(Math.abs(loss! - metricsOf(one)[i]!.loss!)).toBeLessThan(1e-6);
        const { moved, idle, idleNames } = weightsApart(two, one, 10);
        expect(moved).toBeLessThan(1e-5);
        expect(idleNames).toEqual(keyBiases);
        expect(idle).toBeLessThan(1e-3);
      },
      5 * MINUTES,
    );
  });
});

/** A schedule that does not depend on the number of steps. */
const CONSTANT = "optimizer: { lr: 1.0e-4, schedule: constant }";
const endless = (name: string) =>
  writeRecipe(join(dir, `${name}.yaml`), dir, "tied", `steps: 5000\nsave: { every: 3 }\n${CONSTANT}`);

describe("a rank", () => {
  const hasSaved = (run: string) =>
    vi.waitFor(() => expect(existsSync(join(run, "checkpoints/step-3"))).toBe(true), MINUTES);

  it.each([
    ["SIGKILL", 1, /Rank 1 ended without a word, in this phase: step \d+, /],
    ["SIGKILL", 0, /rank 1: error: Rank 0 ended without a word, in this phase: step \d+, /],
    ["SIGSTOP", 1, /Rank 1 gave no sign of life for 5 s, in this phase: step \d+, /],
    ["SIGSTOP", 0, /rank 1: error: Rank 0 gave no sign of life for 5 s, in this phase: step \d+, /],
  ] as const)(
    "that %s takes is named: rank %i; all end, and the run goes on from its checkpoint, bit for bit",
    async (signal, rank, message) => {
      const [recipe, run] = [endless(`${signal}-${rank}`), place()];
      const training = startTraining(recipe, run, "--processes", "2", "--rank-timeout", "5");
      await hasSaved(run);
      const taken = performance.now();
      process.kill(processOf(training.pid, rank), signal);
      const { code, output } = await training.end;
      expect(performance.now() - taken).toBeLessThan(30_000);
      expect({ code, output }).toMatchObject({ code: 2, output: expect.stringMatching(message) });
      const done = metricsOf(run).at(-1)!.step;
      const rest = writeRecipe(join(dir, "rest.yaml"), dir, "tied", `steps: ${done + 1}\n${CONSTANT}`);
      const unbroken = await trainedRun(rest, place(), "--processes", "2");
      await trainedRun(rest, run, "--resume", "--processes", "2");
      expect(metricsOf(run).map(({ step }) => step)).toEqual(Array.from({ length: done + 1 }, (_, i) => i + 1));
      const stateOf = (of: string) => tensorsIn(join(of, `checkpoints/step-${done + 1}/trainer/state.safetensors`));
      expect(differing(stateOf(run), stateOf(unbroken))).toEqual([]);
    },
    3 * MINUTES,
  );

  it.each(["parent", 1] as const)(
    "all stop after the same step when a signal comes to one: %s",
    async (whom) => {
      const [recipe, run] = [endless(`signal-${whom}`), place()];
      const training = startTraining(recipe, run, "--processes", "2");
      await hasSaved(run);
      process.kill(whom === "parent" ? training.pid : processOf(training.pid, whom), "SIGTERM");
      const { code, output } = await training.end;
      const done = metricsOf(run).at(-1)!.step;
      expect(code).toBe(130);
      expect(output).toContain(`Interrupted after step ${done}; the run is saved in ${run}. Go on with --resume.`);
      expect(existsSync(join(run, `checkpoints/step-${done}`))).toBe(true);
    },
    3 * MINUTES,
  );

  it(
    "that never comes is named",
    async () => {
      const [recipe, run] = [endless("alone"), place()];
      const world = { RANK: "0", LOCAL_RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29571" };
      const { code, output } = await start(
        process.execPath,
        ["bin/grit.mjs", "train", recipe, "--run", run, "--rank-timeout", "3"],
        world,
      ).end;
      expect({ code, output }).toMatchObject({
        code: 2,
        output: expect.stringMatching(/Rank 1 has not come within 3 s\./),
      });
      expect(existsSync(run)).toBe(false);
    },
    MINUTES,
  );
});

/** What this system says to network namespaces; undefined where they can be made. */
function namespaceFault(): string | undefined {
  const { status, stderr, error } = spawnSync("unshare", ["-rnm", "sh", CUT_OFF, "-"], { encoding: "utf8" });
  return status === 0 ? undefined : `no network namespaces: ${error?.message ?? stderr.trim()}`;
}

describe("a rank that is cut off from the network", () => {
  it(
    "is named by the other, and names it, within the timeout; both end, and the run goes on from its checkpoint",
    async ({ skip }) => {
      const fault = namespaceFault();
      if (fault !== undefined) skip(fault);
      const [recipe, run] = [endless("cut-off"), place()];
      const command = [process.execPath, "bin/grit.mjs", "train", recipe, "--run", run, "--rank-timeout", "5"];
      const { code, output } = await start("unshare", ["-rnm", "sh", CUT_OFF, run, ...command]).end;
      const said = [0, 1].map((rank) => readFileSync(`${run}.rank-${rank}`, "utf8"));
      expect(code, [output, ...said].join("\n")).toBe(0);
      for (const rank of [0, 1]) {
        const [, exit, seconds] = new RegExp(`rank ${rank} ended with (\\d+) after (\\d+) s`).exec(output)!;
        expect(Number(exit), said[rank]).toBe(2);
        expect(Number(seconds)).toBeLessThan(30);
        expect(said[rank]).toMatch(
          new RegExp(`error: Rank ${1 - rank} gave no sign of life for 5 s, in this phase: .*step \\d+`),
        );
      }
      const done = metricsOf(run).at(-1)!.step;
      const rest = writeRecipe(join(dir, "uncut.yaml"), dir, "tied", `steps: ${done + 1}`);
      await trainedRun(rest, run, "--resume");
      expect(metricsOf(run).at(-1)!.step).toBe(done + 1);
    },
    3 * MINUTES,
  );
});

describe("updates that ruin the weights of two", () => {
  const trainedAt = async (lr: string, run: string, ...more: string[]) => {
    const recipe = writeRecipe(
      `${place()}.yaml`,
      dir,
      "tied",
      `steps: 7\noptimizer: { lr: ${lr} }\nsave: { every: 1, keep: 1 }`,
    );
    return startTraining(recipe, run, "--processes", "2", ...more).end;
  };

  it(
    "take both back to the checkpoint before, from which they go on",
    async () => {
      const first = writeRecipe(`${place()}.yaml`, dir, "tied", "steps: 3");
      const run = await trainedRun(first, place(), "--processes", "2");
      const { code, output } = await trainedAt("1.0e10", run, "--resume");
      expect(code, output).toBe(2);
      expect(output).toMatch(
        /^error: Steps 5 to 7 were not finite .*\n.*rolled back to .*step-3\. Lower optimizer\.lr/m,
      );
      expect(readdirSync(join(run, "checkpoints"))).toEqual(["step-3"]);
      await trainedRun(writeRecipe(`${place()}.yaml`, dir, "tied", "steps: 5"), run, "--resume", "--processes", "2");
      expect(metricsOf(run).map(({ step, skipped }) => [step, skipped])).toEqual([1, 2, 3, 4, 5].map((i) => [i, 0]));
    },
    3 * MINUTES,
  );

  it(
    "at once, where they are infinite: both say so, and no checkpoint has them",
    async () => {
      const run = place();
      const { code, output } = await trainedAt("1.0e39", run);
      expect(code, output).toBe(2);
      expect(output).toMatch(/^error: The update of step 1 left [\w.]+ with values that are not finite\./m);
      expect(output.match(/not finite/g)).toHaveLength(1);
      expect(existsSync(join(run, "checkpoints")) ? readdirSync(join(run, "checkpoints")) : []).toEqual([]);
    },
    3 * MINUTES,
  );
});

const python = process.env.GRIT_PYTHON;

describe.skipIf(!python)("torchrun", () => {
  it(
    "starts the same training",
    async () => {
      const recipe = writeRecipe(join(dir, "torchrun.yaml"), dir, "tied");
      const run = place();
      const torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python", "--"];
      const command = [process.execPath, "bin/grit.mjs", "train", recipe, "--run", run];
      const { code, output } = await start(python!, [...torchrun, ...command]).end;
      expect(code, output).toBe(0);
      expect(output.match(/2 processes train together/g)).toHaveLength(1);
      expect(rolloutsOf(run)).toEqual(rolloutsOf(await trainedRun(recipe, place())));
    },
    3 * MINUTES,
  );
});
