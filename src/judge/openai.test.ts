import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Behaviour, JudgeServer, type Received, USAGE } from "../../test/judge-server.ts";
import { judgeSchema } from "../config/judge-settings.ts";
import { isScored, type Score } from "../records.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import type { Judge, JudgeRequest } from "./judge.ts";
import { openJudge } from "./open.ts";
import type { OpenOptions } from "./service.ts";

let server: JudgeServer;
let dir: string;
let notices: string[];

beforeEach(async () => {
  server = await new JudgeServer().start();
  dir = mkdtempSync(join(tmpdir(), "grit-judge-"));
  notices = [];
  process.env.GRIT_TEST_KEY = "secret-key";
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
  delete process.env.GRIT_TEST_KEY;
});

const ledgerFile = () => join(dir, "cache/ledger.jsonl");

function open(settings: object = {}, options: OpenOptions = {}, name = "openai"): Promise<Judge> {
  const openai = { base_url: `${server.url}/v1`, key_env: "GRIT_TEST_KEY", cache: join(dir, "cache"), ...settings };
  return openJudge(judgeSchema.parse({ name, openai }), {
    waits: { first: 5, longest: 40 },
    notice: (text) => notices.push(text),
    ...options,
  });
}

const request = (n: number, response = `answer ${n}`): JudgeRequest => ({
  question: `Question ${n}?`,
  answer: `answer ${n}`,
  response,
});
const judgeAll = (judge: Judge, count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => judge.judge(request(n))));
/** The number of the question, -1 for the one that proves the endpoint. */
const numberOf = ({ text }: Received) => Number(/Question: Question (\d+)\?/.exec(text)?.[1] ?? -1);

interface LedgerLine {
  readonly id: string;
  readonly reserved?: object;
  readonly input?: number;
  readonly output?: number;
  readonly usd?: number;
  readonly estimated?: boolean;
}
const ledgerLines = () =>
  readFileSync(ledgerFile(), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LedgerLine);
/** The lines written after requests. */
const settled = () => ledgerLines().filter(({ reserved }) => !reserved);
const counted = () => settled().filter(({ input, estimated }) => input! > 0 && !estimated);

describe("what is asked", () => {
  it.each(["(A) x (B) y", "Options: A: x, B: y"])(
    "leaves a question that lists its choices as it is: %s",
    async (listed) => {
      const judge = await open();
      const question = `Which? ${listed}`;
      await judge.judge({ question, answer: "x", response: "the first", choices: ["x", "y"] });
      expect(server.received.at(-1)!.text).toContain(`Question: ${question}\nStandard answer: x`);
    },
  );

  it("is the paper's prompt, at temperature 0, with a schema for the answer, under the key", async () => {
    const judge = await open({ model: "some-model" });
    expect(await judge.judge({ ...request(1, "other"), choices: ["x", "y"] })).toBe(0.25);
    const { url, headers, body, text } = server.received.at(-1)!;
    expect(url).toBe("/v1/chat/completions");
    expect(headers.authorization).toBe("Bearer secret-key");
    expect(body).toMatchObject({
      model: "some-model",
      temperature: 0,
      response_format: { type: "json_schema", json_schema: { strict: true } },
    });
    expect(body.messages).toHaveLength(1);
    expect(text).toMatch(/^You are responsible for proofreading the answers, .* the higher the score\./);
    expect(text).toMatch(
      /\nQuestion: Question 1\?\n\(A\) x\n\(B\) y\nStandard answer: answer 1\nModel's answer: other$/,
    );
  });

  it("is changed as the settings say, and reserves what the answer may then cost", async () => {
    const changes = { temperature: null, max_tokens: null, max_completion_tokens: 2000, reasoning_effort: "low" };
    const judge = await open({ request: changes });
    expect(await judge.judge(request(1))).toBe(1);
    const { body } = server.received.at(-1)!;
    expect(Object.keys(body).sort()).toEqual(
      ["max_completion_tokens", "messages", "model", "reasoning_effort", "response_format"].sort(),
    );
    expect(ledgerLines()[0]!.reserved).toMatchObject({ output: 2000 });
    expect((await open()).service!.instruction).not.toBe(judge.service!.instruction);
    for (const key of ["model", "messages", "stream", "n"])
      expect(() => judgeSchema.parse({ name: "openai", openai: { request: { [key]: 1 } } })).toThrow(/cannot hold/);
  });

  it("has Azure's form with api_version", async () => {
    await open({ base_url: server.url, model: "my deployment", api_version: "2024-10-21" });
    const { url, headers } = server.received[0]!;
    expect(url).toBe("/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21");
    expect(headers["api-key"]).toBe("secret-key");
    expect(headers.authorization).toBeUndefined();
  });

  it("goes without a schema, and says so, to an endpoint that takes none", async () => {
    server.behave = ({ body }) =>
      body.response_format ? { status: 400, message: "response_format json_schema is not supported" } : "judge";
    const judge = await open();
    expect(notices).toEqual([expect.stringContaining("takes no JSON schema")]);
    expect(await judge.judge(request(1))).toBe(1);
    expect(server.received.at(-1)!.body.response_format).toBeUndefined();
  });

  it("is never under way more often than allowed, and the same only once", async () => {
    const judge = await open({ concurrency: 3 });
    const scores = await Promise.all(Array.from({ length: 60 }, (_, n) => judge.judge(request(n % 20))));
    expect(scores).toEqual(Array(60).fill(1));
    expect(server.busiest).toBe(3);
    expect(server.received).toHaveLength(1 + 20);
  });

  it("is not asked again: verdicts are on disk, for any process", async () => {
    await judgeAll(await open(), 10);
    const before = server.received.length;
    const again = await judgeAll(await open(), 10);
    expect(again).toEqual(Array(10).fill(1));
    expect(server.received.length - before).toBe(1);
    // Another model, endpoint or wording is another question.
    await (await open({ model: "other" })).judge(request(1));
    expect(server.received.length - before).toBe(3);
  });

  it("is asked again where the file of a verdict is damaged", async () => {
    await (await open()).judge(request(1));
    const [folder] = readdirSync(join(dir, "cache")).filter((name) => name.length === 2);
    const [file] = readdirSync(join(dir, "cache", folder!));
    writeFileSync(join(dir, "cache", folder!, file!), '{"sco');
    expect(await (await open()).judge(request(1))).toBe(1);
    expect(server.received).toHaveLength(4);
  });

  it("is only what exact matching cannot tell, with exact-then-openai", async () => {
    const judge = await open({}, {}, "exact-then-openai");
    const ask = (answer: string, response: string) => judge.judge({ question: "What?", answer, response });
    expect(await ask("2", "two")).toBe(1);
    expect(await ask("2", "three")).toBe(0);
    expect(await ask("yes", "No.")).toBe(0);
    expect(server.received).toHaveLength(1);
    expect(await ask("cow", "bovine")).toBe(0.25);
    expect(await ask("2", "two or three")).toBe(0.25);
    expect(server.received).toHaveLength(3);
  });
});

describe("a faulty server", () => {
  const faults: [string, Behaviour][] = [
    ["429", { status: 429, headers: { "retry-after": "0" } }],
    ["500", { status: 500 }],
    ["503 with a date", { status: 503, headers: { "retry-after": new Date(0).toUTCString() } }],
    ["garbage", "garbage"],
    ["half a JSON", "half"],
    ["silence", "slow"],
    ["a cut connection", "drop"],
    ["an answer that is no verdict", "nonsense"],
  ];

  /** Seconds until an answer: few where none will come; else so many that a busy machine is not taken for a fault. */
  const timeoutFor = (fault: Behaviour) => (fault === "slow" ? 1 : 60);

  it.each(faults)("%s now and then: all is scored in the end, and what was paid is known", async (_, fault) => {
    const judge = await open({ timeout: timeoutFor(fault) });
    const seen = new Set<number>();
    server.behave = (received) => {
      const n = numberOf(received);
      if (n % 3 !== 0 || seen.has(n)) return "judge";
      seen.add(n);
      return fault;
    };
    expect(await judgeAll(judge, 12)).toEqual(Array(12).fill(1));
    expect(counted()).toHaveLength(server.completed);
    expect(settled()).toHaveLength(server.received.length);
    const unknown = settled().filter(({ estimated }) => estimated);
    expect(unknown).toHaveLength(["garbage", "half", "slow", "drop"].includes(fault as string) ? 4 : 0);
  });

  it.each(faults)("%s to one question always: that one is unscored with the reason, never 0", async (name, fault) => {
    const judge = await open({ timeout: timeoutFor(fault) });
    server.behave = (received) => (numberOf(received) === 5 ? fault : "judge");
    const scores = await judgeAll(judge, 8);
    expect(scores.filter(isScored)).toEqual(Array(7).fill(1));
    expect(scores[5]).toEqual({ unscored: expect.stringMatching(/./) });
    if (name === "500") expect(scores[5]).toEqual({ unscored: "HTTP 500: out of order" });
    // It is not kept: the next run may be luckier.
    server.behave = () => "judge";
    expect(await (await open()).judge(request(5))).toBe(1);
  });

  it.each<[string, Behaviour, RegExp]>([
    ["a model that refuses", "refuse", /the model refuses: I would rather not/],
    [
      "a filter",
      { status: 400, message: "content management policy", error: { code: "content_filter" } },
      /HTTP 400: content management policy/,
    ],
    [
      "a model that refuses without a word",
      { body: { choices: [{ message: { content: '{"score": 0}', refusal: { toString: 7 } } }] } },
      /the model refuses: no reason/,
    ],
  ])("%s is not asked twice", async (_, fault, reason) => {
    const judge = await open();
    server.behave = () => fault;
    expect(await judge.judge(request(1))).toEqual({ unscored: expect.stringMatching(reason) });
    expect(server.received).toHaveLength(2);
  });

  /** A chat completion that says this. */
  const saying = (content: string): Behaviour => ({
    body: { choices: [{ message: { content }, finish_reason: "stop" }] },
  });

  it.each<[string, Behaviour, RegExp]>([
    ["no choice", { body: { choices: [null] } }, /not a chat completion/],
    ["an error without words", { body: { error: { message: { toString: 7 } } } }, /an error: \{"error":\{"message":/],
    ["an error without end", { body: `{"error":${"[".repeat(1e5)}${"]".repeat(1e5)}}` }, /an error: \{"error":\[\[\[/],
    ["a body that breaks off", { body: '{"choices": [', ends: "broken off" }, /no connection|terminated/],
    ["a body without end", { body: "x".repeat(1e5), ends: "never" }, /more than 10 MB/],
    ["a verdict of blanks", saying(`{"score":${" ".repeat(1e5)}`), /is not a verdict/],
    ["a verdict behind blanks", saying(`{"score":${" ".repeat(1e5)}x}`), /is not a verdict/],
    ["verdicts that never close", saying("{score:".repeat(2e4)), /is not a verdict/],
  ])("%s to one question leaves that one unscored, and does not take long", async (_, behaviour, reason) => {
    const judge = await open();
    server.behave = (received) => (numberOf(received) === 2 ? behaviour : "judge");
    expect(await judge.judge(request(2))).toEqual({ unscored: expect.stringMatching(reason) });
    expect(await judge.judge(request(3))).toBe(1);
  });

  it("is waited for as long as it says", async () => {
    const judge = await open();
    server.behave = (_, n) => (n === 1 ? { status: 429, headers: { "retry-after": "1" } } : "judge");
    const start = performance.now();
    expect(await judge.judge(request(1))).toBe(1);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it.each<[string, Behaviour]>([
    ["answers 500", { status: 500 }],
    ["answers garbage", "garbage"],
    ["cuts the connection", "drop"],
  ])(
    "that %s to all for a while pauses the work and loses nothing",
    async (_, fault) => {
      const judge = await open({ concurrency: 4, patience: 60 });
      // Out from the sixth request to the fiftieth: far more failures than any one request has tries.
      server.behave = (_, n) => (n > 5 && n < 50 ? fault : "judge");
      expect(await judgeAll(judge, 20)).toEqual(Array(20).fill(1));
      expect(notices).toEqual([
        expect.stringContaining("The judge does not answer, waiting"),
        "The judge answers again.",
      ]);
      expect(server.busiest).toBeLessThanOrEqual(4);
    },
    30_000,
  );

  it("that dies stops the work, which is taken up where it stopped", async () => {
    const judge = await open({ concurrency: 2, patience: 0.1 });
    server.behave = (_, n) => {
      if (n === 8) void server.stop();
      return "judge";
    };
    const scores: Score[] = [];
    const work = Promise.all(
      Array.from({ length: 20 }, async (_, n) => void scores.push(await judge.judge(request(n)))),
    );
    await expect(work).rejects.toThrow(Interrupted);
    await expect(work).rejects.toThrow(/has stopped answering \(no connection: connect ECONNREFUSED/);
    expect(scores.every((score) => score === 1)).toBe(true);
    expect(scores.length).toBeLessThan(20);
    await expect(judge.judge(request(99))).rejects.toThrow(Interrupted);

    server.behave = () => "judge";
    await server.start();
    const before = server.received.length;
    expect(await judgeAll(await open(), 20)).toEqual(Array(20).fill(1));
    expect(server.received.length - before).toBe(1 + 20 - scores.length);
    expect(counted()).toHaveLength(server.completed);
  });

  it("that asks for more patience than there is stops the work at once", async () => {
    const judge = await open({ patience: 5 });
    server.behave = () => ({ status: 429, headers: { "retry-after": "3600" } });
    await expect(judge.judge(request(1))).rejects.toThrow(Interrupted);
  });

  it("that takes the key back stops the work", async () => {
    const judge = await open();
    server.behave = () => ({ status: 401, message: "secret-key was revoked" });
    const work = judge.judge(request(1));
    await expect(work).rejects.toThrow(Interrupted);
    await expect(work).rejects.toThrow("HTTP 401: *** was revoked");
  });

  it("is no longer waited for when the user interrupts", async () => {
    const controller = new AbortController();
    const waits = { first: 60_000, longest: 60_000 };
    const judge = await open({ concurrency: 2 }, { signal: controller.signal, waits });
    server.behave = () => ({ status: 500 });
    const work = Promise.allSettled(Array.from({ length: 10 }, (_, n) => judge.judge(request(n))));
    const reason = new Error("Ctrl-C");
    setTimeout(() => controller.abort(reason), 50);
    expect(await work).toEqual(Array(10).fill({ status: "rejected", reason }));
    // Those that waited their turn were not sent, and cost nothing.
    expect(settled()).toHaveLength(server.received.length);
    expect(settled().filter(({ estimated }) => estimated)).toEqual([]);
  });
});

describe("before anything starts", () => {
  it.each<[string, Behaviour, RegExp]>([
    [
      "a key that is refused",
      { status: 401, message: "bad key secret-key" },
      /refuses: HTTP 401: bad key \*\*\*\n.*nothing was started/s,
    ],
    ["a model that is not there", { status: 404, message: "no such model" }, /refuses: HTTP 404: no such model/],
    ["a moved address", { status: 301, headers: { location: "/v2" } }, /refuses: HTTP 301/],
    ["a server that is out", { status: 503 }, /gives no verdict on a plain question: HTTP 503/],
    ["a server that speaks otherwise", "garbage", /the answer is not a chat completion/],
    ["a model that cannot judge", "nonsense", /the judge's answer is not a verdict: "It depends."/],
    [
      "a parameter that is not taken",
      { status: 400, message: "Unsupported parameter: 'max_tokens'" },
      /HTTP 400: Unsupported parameter.*openai\.request, e\.g\. \{max_tokens: null, max_completion_tokens: 2000\}/s,
    ],
    [
      "a temperature that is not taken",
      { status: 400, message: "temperature does not support 0" },
      /HTTP 400: temperature.*\{temperature: null\}/s,
    ],
  ])("%s is the user's to mend", async (_, fault, message) => {
    server.behave = () => fault;
    const opening = open();
    await expect(opening).rejects.toBeInstanceOf(UserError);
    await expect(opening).rejects.toThrow(message);
  });

  it("so is a key that is missing, and a server that is not there", async () => {
    await expect(open({ key_env: "GRIT_TEST_NO_KEY" })).rejects.toThrow(/GRIT_TEST_NO_KEY is not set/);
    expect(server.received).toHaveLength(0);
    await server.stop();
    await expect(open()).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe("keys and addresses", () => {
  it.each(["secret-key\r\n", "  secret-key "])("what surrounds a key is not part of it: %j", async (key) => {
    process.env.GRIT_TEST_KEY = key;
    await open();
    expect(server.received[0]!.headers.authorization).toBe("Bearer secret-key");
  });

  it.each(["secret\nkey", "secret key", "sécret", "secret\u200bkey"])("%j is no key, and is not shown", async (key) => {
    process.env.GRIT_TEST_KEY = key;
    const opening = open();
    await expect(opening).rejects.toBeInstanceOf(UserError);
    await expect(opening).rejects.toThrow(/GRIT_TEST_KEY holds no key/);
    await opening.catch((error: Error) => expect(error.message).not.toMatch(/s[eé]cret/));
    expect(server.received).toHaveLength(0);
  });

  it("a key that the service says back is masked, in what it answers too", async () => {
    server.behave = () => ({
      body: { choices: [{ message: { content: "You are secret-key" }, finish_reason: "stop" }] },
    });
    await expect(open()).rejects.toThrow(/You are \*\*\*/);
  });

  it("a key in the address is refused and not shown, as a part of its path or as a query", async () => {
    const opening = open({ base_url: `${server.url}/secret-key/v1` });
    await expect(opening).rejects.toBeInstanceOf(UserError);
    await expect(opening).rejects.toThrow(/base_url has the key of GRIT_TEST_KEY in it/);
    await opening.catch((error: Error) => expect(error.message).not.toContain("secret-key"));
    expect(server.received).toHaveLength(0);
    const { error } = judgeSchema.safeParse({ name: "openai", openai: { base_url: "https://host/v1?key=secret-key" } });
    expect(error!.issues[0]!.message).toBe("is not an address like https://api.openai.com/v1");
  });

  it("a password in the address is refused and not shown, also from OPENAI_BASE_URL", () => {
    const faults = (openai: object) => {
      const { error } = judgeSchema.safeParse({ name: "openai", openai });
      return error!.issues.map(({ message }) => message).join();
    };
    process.env.OPENAI_BASE_URL = "https://me:hunter2@host/v1";
    try {
      for (const text of [faults({}), faults({ base_url: "http://me:hunter2@host" })]) {
        expect(text).toContain("name or password");
        expect(text).not.toContain("hunter2");
      }
    } finally {
      delete process.env.OPENAI_BASE_URL;
    }
  });

  it("requests go by the proxy of the environment, but not to a host that NO_PROXY names", async () => {
    process.env.HTTP_PROXY = server.url;
    try {
      server.behave = () => ({ status: 503 });
      const elsewhere = { base_url: "http://judge.invalid/v1", patience: 0.01 };
      await expect(open(elsewhere)).rejects.toThrow(/judge\.invalid/);
      expect(server.tunnels).toContain("judge.invalid:80");
      process.env.NO_PROXY = "127.0.0.1";
      server.behave = () => "judge";
      server.tunnels.length = 0;
      await open();
      expect(server.tunnels).toEqual([]);
    } finally {
      delete process.env.HTTP_PROXY;
      delete process.env.NO_PROXY;
    }
  });
});

describe("the ledger", () => {
  const price = { input: 2, output: 10 };
  const cost = (USAGE.prompt_tokens * price.input + USAGE.completion_tokens * price.output) / 1e6;
  const total = () => settled().reduce((sum, { usd }) => sum + usd!, 0);

  it("has each request before and after, with tokens and dollars, and no key", async () => {
    await judgeAll(await open({ price }), 5);
    const lines = ledgerLines();
    expect(lines.filter(({ reserved }) => reserved)).toHaveLength(6);
    expect(settled()).toHaveLength(6);
    expect(settled()[0]).toMatchObject({ input: USAGE.prompt_tokens, output: USAGE.completion_tokens });
    expect(total()).toBeCloseTo(6 * cost, 12);
    expect(readFileSync(ledgerFile(), "utf8")).not.toContain("secret-key");
  });

  it("stops the work before the budget is exceeded, and lets it go on with a larger one", async () => {
    const budget = 20 * cost;
    const judge = await open({ price, budget });
    await expect(judgeAll(judge, 100)).rejects.toThrow(/budget of \$.* has no room for another request/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(total()).toBeLessThanOrEqual(budget);
    expect(total()).toBeCloseTo(server.completed * cost, 12);
    expect(server.completed).toBeGreaterThan(10);
    const before = server.completed;
    expect(await judgeAll(await open({ price, budget: 1 }), 100)).toEqual(Array(100).fill(1));
    expect(server.completed - before).toBe(1 + 100 - (before - 1));
  });

  it("counts a request that nobody settled as its reservation, also another process's", async () => {
    await open({ price });
    const reserved = { input: 1000, output: 64, usd: 0.5 };
    writeFileSync(ledgerFile(), `${JSON.stringify({ id: "dead", reserved })}\n{"id":"torn","rese`, { flag: "a" });
    await expect(open({ price, budget: 0.5 })).rejects.toThrow(/comes to \$0\.5/);
    const judge = await open({ price, budget: 0.6 });
    expect(await judge.judge(request(1))).toBe(1);
  });
});
