/** @file The official client of OpenAI's interface against the server, over a connection. */
import { setTimeout } from "node:timers/promises";
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from "openai";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { FakeEngine } from "../../test/fake-engine.ts";
import { type Listening, listen } from "./listen.ts";
import { serveApp } from "./serve-app.ts";
import { WorkQueue } from "./work-queue.ts";

const messages = [{ role: "user" as const, content: "hi" }];
const access = { host: "127.0.0.1", key: "secret" };
const queue = new WorkQueue({ running: 2, waiting: 0 });
const engine = new FakeEngine();
let listening: Listening;
let client: OpenAI;

beforeAll(async () => {
  const app = serveApp({ access, engines: new Map([["org/tiny", engine]]), queue });
  listening = await listen(app, { host: "127.0.0.1", port: 0 });
  client = new OpenAI({ baseURL: `${listening.url}/v1`, apiKey: "secret", maxRetries: 0 });
});
afterAll(() => listening.close(0));
beforeEach(() => {
  engine.reply = () => "One two three";
  engine.pace = () => Promise.resolve();
});

const create = (fields: object = {}) => client.chat.completions.create({ model: "org/tiny", messages, ...fields });

it("completes, streams and lists", async () => {
  const whole = (await create()) as OpenAI.ChatCompletion;
  expect(whole.choices[0]!.message.content).toBe("One two three");
  let text = "";
  let usage: unknown;
  const options = { model: "org/tiny", messages, stream: true, stream_options: { include_usage: true } } as const;
  for await (const chunk of await client.chat.completions.create(options)) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  expect([text, usage]).toEqual(["One two three", whole.usage]);
  const final = await client.chat.completions.stream({ model: "org/tiny", messages }).finalChatCompletion();
  expect(final.choices[0]!.message.content).toBe("One two three");
  // What the client got, it can send back.
  await create({ messages: [...messages, whole.choices[0]!.message, final.choices[0]!.message, ...messages] });
  const models = await client.models.list();
  expect(models.data.map(({ id }) => id)).toContain("org/tiny:grit");
  expect((await client.models.retrieve("org/tiny:grit")).id).toBe("org/tiny:grit");
});

it("has the client's own errors", async () => {
  const wrong = new OpenAI({ baseURL: `${listening.url}/v1`, apiKey: "wrong", maxRetries: 0 });
  await expect(wrong.models.list()).rejects.toThrow(AuthenticationError);
  await expect(create({ model: "none" })).rejects.toThrow(NotFoundError);
  await expect(create({ temperature: 5 })).rejects.toThrow(BadRequestError);
  await expect(create({ max_tokens: 1e6 })).rejects.toMatchObject({
    ...{ status: 400, type: "invalid_request_error", param: "messages", code: "context_length_exceeded" },
  });
  await expect(create({ n: 3 })).rejects.toMatchObject({ status: 400, param: "n" });
});

it("tells of a fault in the middle of a stream", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  engine.pace = () => Promise.reject(new Error("out of luck"));
  const stream = await client.chat.completions.create({ model: "org/tiny", messages, stream: true });
  const reading = (async () => {
    for await (const _ of stream);
  })();
  await expect(reading).rejects.toThrow(APIError);
  expect(printed).toHaveBeenCalled();
  printed.mockRestore();
});

it.each([[true], [false]])(
  "stops writing when the client goes away, and takes the next; stream: %j",
  async (stream) => {
    let begun = () => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    engine.reply = () => "word ".repeat(200);
    engine.pace = () => {
      begun();
      return setTimeout(1);
    };
    const before = engine.cancelled;
    const gone = new AbortController();
    const asking = client.chat.completions.create(
      { model: "org/tiny", messages, stream, n: 2 },
      { signal: gone.signal },
    );
    const outcome = asking.then(
      async (answer) => {
        if ("controller" in answer) for await (const _ of answer);
      },
      () => {},
    );
    await running;
    await expect(create()).rejects.toThrow(RateLimitError);
    gone.abort();
    await outcome;
    await vi.waitFor(() =>
      expect([engine.cancelled - before, queue.places.taken, queue.turns.running]).toEqual([2, 0, 0]),
    );
    engine.pace = () => Promise.resolve();
    engine.reply = () => "yes";
    expect(((await create()) as OpenAI.ChatCompletion).choices[0]!.message.content).toBe("yes");
  },
);
