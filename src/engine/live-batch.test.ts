import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { DEVICE } from "../../test/device.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { GRPO, openTiny, promptOf, STEP, scratchPlaces, toTrain } from "../../test/tiny.ts";
import type { Completion, Prompt } from "../records.ts";
import { liveTensors } from "../torch/tensor.ts";
import { Decoder } from "./decoder.ts";
import type { StreamedToken, Streaming } from "./engine.ts";
import { FeatureCache } from "./features.ts";
import { LocalEngine } from "./local.ts";
import { PREFILL_TOKENS } from "./memory.ts";
import { RemoteEngine } from "./remote-engine.ts";

const scratchPlace = scratchPlaces();
const going = { throwIfAborted: () => {} };
const options: Streaming = { maxTokens: 24, temperature: 1, seed: 3 };

interface Heard {
  tokens: StreamedToken[];
  completion?: Completion;
  error?: unknown;
}

/** Asks for a completion, and notes what is heard of it. */
function ask(engine: LocalEngine, prompt: Prompt, asked: Streaming, signal = going): Heard {
  const heard: Heard = { tokens: [] };
  engine.stream({
    prompt,
    options: asked,
    signal,
    onToken: (token) => heard.tokens.push(token),
    onEnd: (completion) => {
      heard.completion = completion;
    },
    onError: (error) => {
      heard.error = error;
    },
  });
  return heard;
}

describe.each(["qwen2_5_vl/tied", "internvl/tied"])("a live batch of %s", (name) => {
  const { engine } = openTiny(name, { device: DEVICE, precision: "float32" });
  const prompts = loadGolden(name).prompts.map(promptOf);
  // Features of images stay with the engine, and so do the weights that streams are written with.
  engine.sample(prompts, { n: 1, maxTokens: 1, temperature: 0, seed: 1 });
  ask(engine, prompts[0]!, options);
  while (engine.turn());
  afterAll(() => engine.dispose());

  it("writes with the policy as it is: weights are kept from batch to batch, until it is trained", () => {
    const { engine, golden } = openTiny(name, { device: DEVICE, precision: "float32", training: true });
    const prompt = promptOf(golden.prompts[0]!);
    const greedy = { ...options, temperature: 0 };
    const streamed = () => {
      const heard = ask(engine, prompt, greedy);
      while (engine.turn());
      return heard.completion!.logprobs;
    };
    const sampled = () => engine.sample([prompt], { ...greedy, n: 1, seed: 1 })[0]![0]!.logprobs;
    const learn = () => {
      engine.forwardBackward(
        toTrain([
          {
            prompt,
            completions: [
              [5, 6, 7],
              [8, 9],
            ],
          },
        ]),
        GRPO,
      );
      // What begins between gradient and update is old after it.
      streamed();
      engine.step(STEP);
    };
    const first = streamed();
    const before = liveTensors();
    expect(streamed()).toEqual(first);
    expect(liveTensors()).toEqual(before);
    learn();
    const moved = streamed();
    expect(moved).not.toEqual(first);
    expect(moved).toEqual(sampled());
    // One that is under way goes on with what it began with.
    const heard = ask(engine, prompt, greedy);
    engine.turn();
    learn();
    while (engine.turn());
    expect(heard.completion!.logprobs.length).toBeGreaterThan(1);
    expect(streamed()).toEqual(sampled());
    engine.dispose();
    expect(liveTensors().tensors).toBeLessThan(before.tensors);
  });

  it("writes what each request writes alone, whenever it joins, however it is sampled, and whatever leaves", () => {
    const ways: Streaming[] = [
      options,
      { ...options, temperature: 0, maxTokens: 70 },
      { ...options, temperature: 0.8, topP: 0.9, seed: 4, maxTokens: 9 },
      { ...options, topK: 5, seed: 5, maxTokens: 40 },
      { ...options, seed: 6, maxTokens: 1 },
      { ...options, seed: 7, maxTokens: 90 },
    ];
    const before = liveTensors();
    const requests = ways.map((way, i) => ({ prompt: prompts[i % prompts.length]!, way }));
    const heard: Heard[] = [];
    // One joins every third turn.
    for (let turn = 0; turn === 0 || engine.turn(); turn++)
      if (turn % 3 === 0 && heard.length < requests.length) {
        const { prompt, way } = requests[heard.length]!;
        heard.push(ask(engine, prompt, way));
      }
    for (const [i, { prompt, way }] of requests.entries()) {
      const [[alone]] = engine.sample([prompt], { ...way, n: 1, seed: [way.seed] }) as [[Completion]];
      const { completion, tokens } = heard[i]!;
      expect(completion!.ids).toEqual(alone.ids);
      expect(completion!.text).toBe(alone.text);
      expect(completion!.ending).toBe(alone.ending);
      for (const [t, logprob] of completion!.logprobs.entries()) expect(logprob).toBeCloseTo(alone.logprobs[t]!, 4);
      expect(tokens.map(({ id }) => id)).toEqual(alone.ids);
      expect(alone.text.startsWith(tokens.map(({ text }) => text).join(""))).toBe(true);
    }
    expect(liveTensors()).toEqual(before);
  });

  it("reads a prompt once for all that ask about it in one turn, and each writes what it writes alone", () => {
    const prefill = vi.spyOn(Decoder.prototype, "prefill");
    const [one, two] = [prompts[0]!, prompts[1]!];
    // Prompts come across the line as copies.
    const copy = (prompt: Prompt): Prompt => ({
      ids: [...prompt.ids],
      images: prompt.images.map((each) => ({ ...each })),
    });
    const asked = [one, two, copy(one), copy(one)].map((prompt, i) => ({ prompt, way: { ...options, seed: i } }));
    const heard = asked.map(({ prompt, way }) => ask(engine, prompt, way));
    engine.turn();
    const roots = prefill.mock.calls.flatMap(([{ trees }]) => trees.map(({ root }) => root));
    expect(roots).toEqual([one.ids.length, two.ids.length]);
    while (engine.turn());
    prefill.mockRestore();
    for (const [i, { prompt, way }] of asked.entries()) {
      const [[alone]] = engine.sample([prompt], { ...way, n: 1, seed: [way.seed] }) as [[Completion]];
      expect(heard[i]!.completion!.ids).toEqual(alone.ids);
    }
  });

  it("tells of as many alternatives as each request wants, the best first", () => {
    const none = ask(engine, prompts[0]!, options);
    const greedy = ask(engine, prompts[0]!, { ...options, temperature: 0, alternatives: 4 });
    while (engine.turn());
    expect(none.tokens.every(({ alternatives }) => alternatives.length === 0)).toBe(true);
    for (const { id, logprob, alternatives } of greedy.tokens) {
      expect(alternatives.length).toBe(4);
      expect(alternatives[0]).toEqual({ id, logprob });
      const logprobs = alternatives.map((alternative) => alternative.logprob);
      expect(logprobs).toEqual([...logprobs].sort((a, b) => b - a));
    }
  });

  it("ends a cancelled request at the next turn, and no other", () => {
    const reason = new Error("gone");
    let isGone = false;
    const signal = {
      throwIfAborted: () => {
        if (isGone) throw reason;
      },
    };
    const cancelled = ask(engine, prompts[0]!, options, signal);
    const other = ask(engine, prompts[0]!, options);
    engine.turn();
    isGone = true;
    const late = ask(engine, prompts[0]!, options, signal);
    while (engine.turn());
    expect(cancelled.error).toBe(reason);
    expect(cancelled.completion).toBeUndefined();
    expect(late).toEqual({ tokens: [], error: reason });
    expect(other.completion!.ids.length).toBe(other.tokens.length);
  });

  it("goes on beside a row that is over and stays for a while, further than that was to come", () => {
    const { engine: unending } = openTiny(name, { device: DEVICE, precision: "float32", unending: true });
    const byLength = [...prompts].sort((a, b) => a.ids.length - b.ids.length);
    const brief = ask(unending, byLength.at(-1)!, { ...options, maxTokens: 3 });
    unending.turn();
    // One of ten rows is not dropped at once.
    const others = Array.from({ length: 9 }, () => ask(unending, byLength[0]!, { ...options, maxTokens: 90 }));
    while (unending.turn());
    const lengths = [brief, ...others].map(({ error, completion }) => error ?? completion!.ids.length);
    unending.dispose();
    expect(lengths).toEqual([3, ...others.map(() => 90)]);
  });

  it("ends all requests where memory is short while they are joined, and goes on with the next", () => {
    const before = liveTensors();
    const first = ask(engine, prompts[0]!, { ...options, maxTokens: 50 });
    engine.turn();
    const short = new Error("out of memory");
    vi.spyOn(Decoder.prototype, "join").mockImplementationOnce(() => {
      throw short;
    });
    const second = ask(engine, prompts[0]!, options);
    expect(engine.turn()).toBe(false);
    expect([first.error, second.error]).toEqual([short, short]);
    expect(liveTensors()).toEqual(before);
    const third = ask(engine, prompts[0]!, options);
    while (engine.turn());
    expect(third.completion!.ids.length).toBeGreaterThan(0);
  });

  it("forgets features of images while it runs: under constant load it never empties", () => {
    const trim = vi.spyOn(FeatureCache.prototype, "trim");
    ask(engine, prompts[0]!, { ...options, maxTokens: 30, temperature: 0 });
    engine.turn();
    const before = trim.mock.calls.length;
    ask(engine, prompts[1]!, { ...options, maxTokens: 2 });
    // Its image comes first.
    engine.turn();
    expect(engine.turn()).toBe(true);
    expect(trim.mock.calls.length).toBeGreaterThan(before);
    while (engine.turn());
    trim.mockRestore();
  });

  it("is free of requests that have ended: keys of a long one do not stay for a short one", () => {
    const before = liveTensors();
    const long = ask(engine, prompts[0]!, { ...options, maxTokens: 200, temperature: 0 });
    for (let i = 0; i < 100; i++) engine.turn();
    const short = ask(engine, prompts[0]!, { ...options, maxTokens: 100, temperature: 0 });
    while (engine.turn());
    expect(long.completion!.ids.slice(0, short.completion!.ids.length)).toEqual(short.completion!.ids);
    expect(liveTensors()).toEqual(before);
  });
});

/** The tokens that a turn reads while others write. */
const PIECE = 512;

describe.each(["qwen2_5_vl/tied", "internvl/tied"])("a long prompt of %s", (name) => {
  const { dir, prompts: recorded } = loadGolden(name);
  const copy = scratchPlace();
  cpSync(dir, copy, { recursive: true });
  for (const name of ["config.json", "tokenizer_config.json"]) {
    const file = join(copy, name);
    const longer = readFileSync(file, "utf8").replaceAll(
      /("(max_position_embeddings|model_max_length)": )\d+/g,
      (_, key) => `${key}32768`,
    );
    writeFileSync(file, longer);
  }
  const engine = new LocalEngine(copy, { device: DEVICE, precision: "float32", unending: true });
  afterAll(() => engine.dispose());
  const [short] = recorded.map(promptOf) as [Prompt];
  const pair = recorded.map(promptOf).find(({ images }) => images.length > 1)!;
  const words = (count: number) => Array.from({ length: count }, (_, i) => short.ids[i % short.ids.length]!);
  const greedy = { ...options, temperature: 0 };

  it("is read in pieces, and its images one by one, between the tokens of others, and writes what it writes alone", () => {
    // Weights that streams are written with stay.
    ask(engine, short, { ...greedy, maxTokens: 1 });
    while (engine.turn());
    const before = liveTensors();
    // The first piece ends among the tokens of an image.
    const image = pair.ids.indexOf(engine.model.imageTokenId);
    const ids = [...words(PIECE - image - 2), ...pair.ids, ...words(2 * PIECE)];
    const long: Prompt = { ids, images: pair.images };
    const other = ask(engine, { ids: words(20), images: [] }, { ...greedy, maxTokens: 60 });
    engine.turn();
    const asked = [greedy, { ...options, maxTokens: 9, seed: 8 }];
    const heard = asked.map((way) => ask(engine, long, way));
    const late = ask(engine, { ids: words(30), images: [] }, { ...greedy, maxTokens: 5 });
    const pieces = Math.ceil(ids.length / PIECE);
    for (let turn = 1; turn <= pair.images.length + pieces; turn++) {
      expect(heard.map(({ tokens }) => tokens.length)).toEqual([0, 0]);
      const written = other.tokens.length;
      engine.turn();
      expect(other.tokens.length).toBe(written + 1);
    }
    // Those who join write their first token and one with the others.
    expect([...heard, late].map(({ tokens }) => tokens.length)).toEqual([2, 2, 0]);
    while (engine.turn());
    expect(late.completion!.ids.length).toBe(5);
    for (const [i, way] of asked.entries()) {
      const [[alone]] = engine.sample([long], { ...way, n: 1, seed: [way.seed] }) as [[Completion]];
      expect(heard[i]!.completion!.ids).toEqual(alone.ids);
      for (const [t, logprob] of alone.logprobs.entries())
        expect(heard[i]!.completion!.logprobs[t]).toBeCloseTo(logprob, 4);
    }
    // Features of its images stay.
    expect(liveTensors().tensors - before.tensors).toBeLessThanOrEqual(pair.images.length);
  });

  it("is read in one turn where nobody waits for a token, in pieces of what is read together", () => {
    const prefill = vi.spyOn(Decoder.prototype, "prefill");
    const heard = ask(engine, { ids: words(PREFILL_TOKENS + 1), images: [] }, { ...greedy, maxTokens: 2 });
    engine.turn();
    expect(prefill.mock.calls.map(([{ ids }]) => ids.length)).toEqual([PREFILL_TOKENS, 1]);
    prefill.mockRestore();
    expect([heard.error, heard.completion!.ids.length]).toEqual([undefined, 2]);
    while (engine.turn());
  });

  it("that nobody waits for any more is read no further, and one that fails ends alone", () => {
    const other = ask(engine, { ids: words(20), images: [] }, { ...greedy, maxTokens: 40 });
    engine.turn();
    const before = liveTensors();
    let isGone = false;
    const signal = {
      throwIfAborted: () => {
        if (isGone) throw new Error("gone");
      },
    };
    const gone = ask(engine, { ids: words(3 * PIECE), images: [] }, options, signal);
    engine.turn();
    isGone = true;
    engine.turn();
    expect(gone.error).toMatchObject({ message: "gone" });
    expect(liveTensors()).toEqual(before);
    const short = new Error("out of memory");
    const prefill = vi.spyOn(Decoder.prototype, "prefill");
    const failing = ask(engine, { ids: words(3 * PIECE), images: [] }, options);
    engine.turn();
    prefill.mockImplementationOnce(() => {
      throw short;
    });
    engine.turn();
    prefill.mockRestore();
    expect(failing.error).toBe(short);
    expect(liveTensors()).toEqual(before);
    while (engine.turn());
    expect(other.completion!.ids.length).toBe(40);
  });
});

describe("an engine behind the line", () => {
  const { dir, prompts: recorded } = loadGolden("tied");
  const prompts = recorded.map(promptOf);

  it("streams many at a time; other verbs wait for them, and a cancelled one ends at once", async () => {
    const engine = await RemoteEngine.open(dir, { device: DEVICE, precision: "float32" });
    const events: string[] = [];
    const controller = new AbortController();
    const reason = new Error("enough");
    const streamed = prompts.map((prompt, i) =>
      engine.stream(prompt, { ...options, seed: i, onToken: () => events.push(`token ${i}`) }),
    );
    const endless = engine.stream(prompts[0]!, {
      ...options,
      maxTokens: 3000,
      signal: controller.signal,
      onToken: () => controller.abort(reason),
    });
    await expect(endless).rejects.toBe(reason);
    const sampled = engine
      .sample(prompts, { ...options, n: 1, seed: prompts.map((_, i) => i) })
      .finally(() => events.push("sampled"));
    const completions = await Promise.all(streamed);
    expect((await sampled).map(([completion]) => completion!.ids)).toEqual(completions.map(({ ids }) => ids));
    expect(events.at(-1)).toBe("sampled");
    // Both wrote in turns.
    expect(events.indexOf("token 1")).toBeLessThan(events.lastIndexOf("token 0"));
    await expect(engine.stream(prompts[0]!, { ...options, maxTokens: 10 ** 6 })).rejects.toThrow(/max_tokens/);
    await engine.dispose();
  });
});
