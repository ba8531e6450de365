import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { differing, GRPO, openTiny, promptOf, STEP, scratchPlaces, tensorsIn, toTrain } from "../../test/tiny.ts";
import type { Completion, Prompt } from "../records.ts";
import { liveTensors } from "../torch/tensor.ts";
import { EngineDeath, Interrupted, OutOfMemory, UserError } from "../util/errors.ts";
import { errorOf, failureOf } from "../util/failure.ts";
import type { SampleOptions, Sampling } from "./engine.ts";
import { EngineThread } from "./engine-thread.ts";
import { RemoteEngine } from "./remote-engine.ts";

const place = scratchPlaces();
const { dir, prompts: recorded } = loadGolden("tied");
const options = { device: DEVICE, precision: "float32", reference: true } as const;
const prompts: Prompt[] = recorded.map(promptOf);
const sampling: Sampling = { n: 2, maxTokens: 12, temperature: 1, seed: 3 };
const groupsOf = (completions: readonly (readonly Completion[])[]) =>
  prompts.map((prompt, i) => ({ prompt, completions: completions[i]!.map(({ ids }) => ids) }));

let engine: RemoteEngine;
beforeAll(async () => {
  engine = await RemoteEngine.open(dir, options);
});
afterAll(() => engine.dispose());

describe("an engine behind the line", () => {
  it("computes, bit for bit, what one in this thread computes", async () => {
    const { engine: local } = openTiny("tied", options);
    const sampled = await engine.sample(prompts, sampling);
    expect(sampled).toEqual(local.sample(prompts, sampling));
    const groups = groupsOf(sampled);
    for (const who of ["policy", "reference"] as const)
      expect(await engine.score(who, groups)).toEqual(local.score(who, groups));
    expect(engine.still).toEqual(local.still);
    expect(await engine.forwardBackward(toTrain(groups), GRPO)).toEqual(local.forwardBackward(toTrain(groups), GRPO));
    expect(await engine.step(STEP)).toEqual(local.step(STEP));
    expect(engine.still).toEqual(local.still);
    const [there, here] = [place(), place()];
    await engine.save(there);
    local.save(here);
    const stateIn = (folder: string) => tensorsIn(join(folder, "state.safetensors"));
    expect(differing(stateIn(there), stateIn(here))).toEqual([]);
    await engine.load(there);
    const exported = [place(), place()] as const;
    await engine.export(exported[0]);
    local.export(exported[1]);
    const weightsIn = (folder: string) => tensorsIn(join(folder, "model.safetensors"));
    expect(differing(weightsIn(exported[0]), weightsIn(exported[1]))).toEqual([]);
    const { still, ...known } = local.describe();
    expect(engine).toMatchObject(known);
    local.dispose();
  });

  it("tells of groups and progress while others are sampled, and lets this thread do its work meanwhile", async () => {
    const groups = new Map<number, readonly Completion[]>();
    const progress: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const sampled = await engine.sample(prompts, {
      ...sampling,
      onGroup: (prompt, completions) => groups.set(prompt, completions),
      onProgress: (done) => progress.push(done),
    });
    clearInterval(timer);
    expect(sampled.map((_, i) => groups.get(i))).toEqual(sampled);
    expect(progress.at(-1)).toBe(2 * prompts.length);
    expect(turns).toBeGreaterThan(1);
  });

  it("ends a call at once when a signal fires or a listener fails, and goes on with the next", async () => {
    const endless: SampleOptions = { ...sampling, n: 64, maxTokens: 3000 };
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = engine.sample(prompts, {
      ...endless,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(aborted).rejects.toBe(reason);
    const failed = engine.sample(prompts, {
      ...endless,
      onProgress: () => {
        throw reason;
      },
    });
    await expect(failed).rejects.toBe(reason);
    await expect(engine.score("policy", [], { signal: controller.signal })).rejects.toBe(reason);
    expect(await engine.sample(prompts, sampling)).toHaveLength(prompts.length);
  });

  it("keeps no process alive that does not wait for it", async () => {
    const program = 'import("./src/engine/engine-thread.ts").then(({ EngineThread }) => void EngineThread.shared())';
    const child = spawn(process.execPath, ["--import", "tsx", "--eval", program], { stdio: "ignore" });
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
  });

  it("leaves no gradient behind when a call is ended: the next one is as if it had been the first", async () => {
    const groups = toTrain(groupsOf(await engine.sample(prompts, sampling)));
    const still = { ...STEP, lr: 0, clipNorm: Number.POSITIVE_INFINITY };
    const controller = new AbortController();
    const cut = engine.forwardBackward(groups, GRPO, { signal: controller.signal });
    controller.abort();
    await expect(cut).rejects.toBe(controller.signal.reason);
    await engine.forwardBackward(groups, GRPO);
    const { gradNorm } = await engine.step(still);
    await engine.forwardBackward(groups, GRPO);
    expect((await engine.step(still)).gradNorm).toBe(gradNorm);
  });

  it("gives errors their class, message and code back, and the signal of a save ends it", async () => {
    const missing = engine.load(place());
    await expect(missing).rejects.toBeInstanceOf(UserError);
    await expect(missing).rejects.toThrow(/state\.safetensors cannot be read.*\n {2}Is the path right/);
    await expect(RemoteEngine.open(place())).rejects.toBeInstanceOf(UserError);
    const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
    for (const error of [new UserError("bad", "mend it"), new Interrupted("stopped"), new OutOfMemory("much"), full]) {
      const back = errorOf(structuredClone(failureOf(error)));
      expect(back).toBeInstanceOf(error.constructor);
      expect(back).toMatchObject({ name: error.name, message: error.message });
    }
    expect(errorOf(failureOf(full))).toMatchObject({ code: "ENOSPC" });
    const to = place();
    await expect(engine.save(to, { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    expect(existsSync(to)).toBe(false);
  });

  it("is freed when it is disposed, and says so to whoever goes on using it", async () => {
    const before = liveTensors();
    const another = await RemoteEngine.open(dir, options);
    await another.sample(prompts.slice(0, 1), sampling);
    expect(liveTensors().tensors).toBeGreaterThan(before.tensors);
    await another.dispose();
    expect(liveTensors()).toEqual(before);
    await expect(another.sample(prompts, sampling)).rejects.toThrow("sample: this engine is disposed.");
  });

  it("sends the calls of one moment together, so that completions of one prompt read it once", async () => {
    const post = vi.spyOn(Worker.prototype, "postMessage");
    const asked = Array.from({ length: 4 }, (_, seed) => engine.stream(prompts[0]!, { ...sampling, seed }));
    await Promise.all(asked);
    const sent = post.mock.calls.map(([requests]) => (requests as unknown[]).length);
    post.mockRestore();
    expect(sent).toEqual([4]);
  });

  it("reads images as its processor does", async () => {
    const image = sharp({ create: { width: 50, height: 40, channels: 3, background: "teal" } });
    const bytes = await image.jpeg().toBuffer();
    expect(await engine.image(bytes)).toEqual(await engine.processor.image(bytes));
    await expect(engine.image(Buffer.from("no image"))).rejects.toBeInstanceOf(UserError);
  });

  it("whose thread dies ends every call by an error that says what to do", async () => {
    const thread = new EngineThread(pathToFileURL("test/dying-worker.mjs"));
    const opened = RemoteEngine.open(dir, options, { thread });
    await expect(opened).rejects.toBeInstanceOf(UserError);
    await expect(opened).rejects.toThrow(/thread has ended: heap exhausted\n {2}Give JavaScript more memory/);
    await expect(RemoteEngine.open(dir, options, { thread })).rejects.toThrow(/thread has ended/);
    expect(thread.death).toBeInstanceOf(EngineDeath);
  });
});
