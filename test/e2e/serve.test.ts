/** @file `grit serve` as a process of its own, with the tiny base, asked by OpenAI's official clients. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderSets } from "../../src/data/scenes/sets.ts";
import type { GeneratedRow } from "../../src/jobs/generate.ts";
import { grit, readLines, writeLines } from "../commands.ts";
import { DEVICE } from "../device.ts";
import { scratch } from "../tiny.ts";

const MODEL = "models/grit-tiny-base";
const COMPUTING = ["--device", DEVICE, "--precision", "float32"];
const MAX_TOKENS = 96;
const dir = scratch();
const python = process.env.GRIT_PYTHON ?? "python3";
const hasClient = spawnSync(python, ["-c", "import openai"]).status === 0;

let server: ChildProcess;
let url = "";
let client: OpenAI;
let rows: GeneratedRow[] = [];
let printed = "";

beforeAll(async () => {
  server = spawn(process.execPath, ["bin/grit.mjs", "serve", "--model", MODEL, "--port", "0", ...COMPUTING]);
  server.stderr!.on("data", (text) => {
    printed += text;
  });
  const serving = new Promise<string>((resolve, reject) => {
    server.stdout!.on("data", (text) => {
      const at = /^Serving grit-tiny-base at (\S+)$/m.exec(String(text))?.[1];
      if (at) resolve(at);
    });
    server.once("exit", (code) => reject(new Error(`The server ended with ${code}: ${printed}`)));
  });
  const scenes = join(dir, "scenes");
  await renderSets({ out: scenes, seed: 1, counts: { train: 2, val: 6 } });
  const lines = readLines<{ image: string }>(join(scenes, "vsr_val.jsonl"));
  const data = writeLines(
    join(dir, "vsr.jsonl"),
    lines.map((line) => ({ ...line, image: join(scenes, line.image) })),
  );
  const out = join(dir, "generated.jsonl");
  const files = ["--model", MODEL, "--data", data, "--out", out, "--method", "grit"];
  const generated = await grit("generate", ...files, ...COMPUTING, "--max-tokens", String(MAX_TOKENS));
  expect(generated).toMatchObject({ code: 0 });
  rows = readLines<GeneratedRow>(out);
  url = await serving;
  client = new OpenAI({ baseURL: url, apiKey: "any", maxRetries: 0 });
});
afterAll(() => server.kill("SIGKILL"));

const imageUrl = (path: string) => `data:image/png;base64,${readFileSync(path, "base64")}`;

/** The question of a row about its image, as a client sends it. */
function asked({ question, image }: GeneratedRow) {
  const content = [
    { type: "image_url" as const, image_url: { url: imageUrl(image) } },
    { type: "text" as const, text: question },
  ];
  const messages = [{ role: "user" as const, content }];
  return { model: "grit-tiny-base:grit", messages, temperature: 0, max_tokens: MAX_TOKENS };
}

/** OpenAI's type with what this server adds. */
type Choice = OpenAI.ChatCompletion.Choice & {
  readonly grit: { readonly boxes: readonly { readonly box: readonly number[] }[]; readonly answer: string | null };
};

async function answerTo(row: GeneratedRow, fields: object = {}): Promise<Choice[]> {
  const { choices } = (await client.chat.completions.create({ ...asked(row), ...fields })) as OpenAI.ChatCompletion;
  return choices as Choice[];
}

describe("grit serve", () => {
  it("answers by NAME:grit as grit generate does, all at once", async () => {
    const answers = (await Promise.all(rows.map((row) => answerTo(row)))).flat();
    expect(answers.map(({ message }) => message.content)).toEqual(rows.map(({ text }) => text));
    expect(answers.map(({ finish_reason }) => finish_reason)).toEqual(rows.map(({ ended }) => ended));
    const tenths = (box: readonly number[]) => box.map((each) => Math.round(each * 10) / 10);
    expect(answers.map(({ grit: { boxes } }) => boxes.map(({ box }) => box))).toEqual(
      rows.map(({ boxes }) => boxes.map(tenths)),
    );
    expect(answers.map(({ grit: { answer } }) => answer)).toEqual(rows.map(({ response }) => response));
  });

  it("streams what it gives as a whole, boxes with their digits", async () => {
    const stream = await client.chat.completions.create({ ...asked(rows[0]!), stream: true });
    let text = "";
    const boxes: (readonly number[])[] = [];
    let last: Choice | undefined;
    for await (const { choices } of stream) {
      last = choices[0] as unknown as Choice;
      text += choices[0]!.delta.content ?? "";
      if (last.finish_reason === null) boxes.push(...(last.grit?.boxes ?? []).map(({ box }) => box));
    }
    expect(text).toBe(rows[0]!.text);
    expect(boxes).toEqual(last!.grit.boxes.map(({ box }) => box));
  });

  it("tells the log-probabilities of grit generate", async () => {
    const [choice] = await answerTo(rows[0]!, { logprobs: true, top_logprobs: 3 });
    const { content } = choice!.logprobs!;
    const written = rows[0]!.logprobs.slice(0, content!.length);
    for (const [i, { logprob, top_logprobs, token }] of content!.entries()) {
      expect(logprob).toBeCloseTo(written[i]!, 3);
      // Greedy: the token is the likeliest.
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      expect(top_logprobs.map((each) => each.logprob)).toEqual(
        top_logprobs.map((each) => each.logprob).sort((a, b) => b - a),
      );
    }
    expect(Buffer.from(content!.flatMap(({ bytes }) => bytes!)).toString()).toBe(choice!.message.content);
  });

  it("samples by the seed, n times, and stops where it is told to", async () => {
    const sampling = { temperature: 1, n: 3, max_tokens: 24 };
    const texts = async (seed: number) =>
      (await answerTo(rows[1]!, { ...sampling, seed })).map(({ message }) => message.content);
    const first = await texts(1);
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(await texts(1)).toEqual(first);
    expect(await texts(2)).not.toEqual(first);
    const stop = rows[0]!.text.slice(5, 8);
    const [cut] = await answerTo(rows[0]!, { stop });
    expect(cut).toMatchObject({ finish_reason: "stop", message: { content: rows[0]!.text.split(stop)[0] } });
  });

  it("chats without an image and in several turns", async () => {
    const messages = [
      { role: "system" as const, content: "Be brief." },
      { role: "user" as const, content: "hello" },
      { role: "assistant" as const, content: "hi" },
      { role: "user" as const, content: "again" },
    ];
    const { choices, usage } = await client.chat.completions.create({
      model: "grit-tiny-base",
      messages,
      max_tokens: 8,
    });
    expect((choices[0] as Choice).grit).toBe(null);
    expect(usage!.completion_tokens).toBeLessThanOrEqual(8);
  });

  it("goes on after clients that vanish and requests that are wrong", async () => {
    const gone = new AbortController();
    const fields = { ...asked(rows[0]!), model: "grit-tiny-base", max_tokens: 400, temperature: 1 };
    const stream = await client.chat.completions.create({ ...fields, stream: true }, { signal: gone.signal });
    for await (const _ of stream) gone.abort();
    await expect(client.chat.completions.create({ ...fields, max_tokens: 1e6 })).rejects.toMatchObject({
      code: "context_length_exceeded",
    });
    const [choice] = await answerTo(rows[2]!);
    expect(choice!.message.content).toBe(rows[2]!.text);
  });

  it("answers OpenAI's Python client", ({ skip }) => {
    skip(!hasClient, `${python} has no openai: name one that has by GRIT_PYTHON`);
    const { question, image, text } = rows[0]!;
    const args = ["test/e2e/openai_client.py", url, image, question, String(MAX_TOKENS)];
    const { status, stdout, stderr } = spawnSync(python, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const { whole, streamed, boxes, error } = JSON.parse(stdout) as Record<string, unknown>;
    expect([whole, streamed, error]).toEqual([text, text, ["BadRequestError", "temperature"]]);
    expect(boxes).toHaveLength(rows[0]!.boxes.length);
  });

  it("finishes what runs when it is told to end, and ends well", async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    const stream = await client.chat.completions.create({ ...asked(rows[0]!), stream: true });
    let text = "";
    for await (const { choices } of stream) {
      // With the first chunk: a second signal would end the server at once.
      if (choices[0]!.delta.role) server.kill("SIGINT");
      text += choices[0]!.delta.content ?? "";
    }
    expect(text).toBe(rows[0]!.text);
    expect(await ended).toBe(0);
    await expect(fetch(`${url}/models`)).rejects.toThrow();
  });
});
