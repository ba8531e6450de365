/**
 * @file A judge behind a real LiteLLM proxy: models that it mocks, its own errors, and what it makes of a model's failures. Needs a
 * Python with `litellm[proxy]`, named by GRIT_PYTHON; skipped without one.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { judgeSchema } from "../../src/config/judge-settings.ts";
import type { Judge } from "../../src/judge/judge.ts";
import { openJudge } from "../../src/judge/open.ts";
import { Interrupted, UserError } from "../../src/util/errors.ts";
import { type Behaviour, JudgeServer, USAGE } from "../judge-server.ts";
import { scratch } from "../tiny.ts";

const python = process.env.GRIT_PYTHON ?? "python3";
const hasProxy = spawnSync(python, ["-c", "import litellm.proxy.proxy_cli"]).status === 0;
const KEY = "sk-litellm-0123456789abcdef";
/** Models that the proxy mocks, by what they answer. */
const MOCKED = {
  right: '{"score": 1}',
  wrong: '{"score": 0}',
  prose: "It depends.",
  limited: "litellm.RateLimitError",
  full: "litellm.ContextWindowExceededError",
  broken: "litellm.InternalServerError",
  filtered: "Exception: content_filter_policy",
};

const dir = scratch();
/** The model `upstream`: the proxy asks it as it would ask OpenAI. */
const upstream = new JudgeServer();
let proxy: ChildProcess;
let url: string;
const told: string[] = [];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!hasProxy)("a judge behind LiteLLM", () => {
  beforeAll(async () => {
    await upstream.start();
    const config = join(dir, "config.yaml");
    const model = (name: string, params: object) => ({
      model_name: name,
      litellm_params: { model: "openai/any", api_key: "none", ...params },
    });
    const settings = {
      model_list: [
        ...Object.entries(MOCKED).map(([name, mock_response]) => model(name, { mock_response })),
        model("upstream", { api_base: upstream.url, max_retries: 0, timeout: 2 }),
      ],
      general_settings: { master_key: KEY },
      litellm_settings: { num_retries: 0, telemetry: false },
      router_settings: { num_retries: 0, disable_cooldowns: true },
    };
    writeFileSync(config, JSON.stringify(settings));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const args = ["--config", config, "--host", "127.0.0.1", "--port", String(port)];
    proxy = spawn(join(dirname(python), "litellm"), args, {
      env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True" },
      stdio: "ignore",
    });
    await vi.waitUntil(
      () =>
        fetch(`${url}/health/liveliness`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 110_000, interval: 500 },
    );
  }, 120_000);
  afterAll(async () => {
    proxy?.kill();
    await upstream.stop();
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && entry.name !== "config.yaml",
    );
    const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
    expect([...told, ...written].join("\n")).not.toContain(KEY);
  });
  beforeEach(() => {
    process.env.GRIT_TEST_LITELLM_KEY = KEY;
    upstream.behave = () => "judge";
  });

  let opened = 0;
  const open = (model: string): Promise<Judge> => {
    const openai = {
      base_url: url,
      model,
      key_env: "GRIT_TEST_LITELLM_KEY",
      cache: join(dir, `${opened++}`),
      patience: 0.1,
    };
    const options = { waits: { first: 1, longest: 4 }, notice: (text: string) => void told.push(text) };
    return openJudge(judgeSchema.parse({ name: "openai", openai }), options);
  };
  const errorOf = async (work: Promise<unknown>): Promise<Error> => {
    const error = await work.then(
      () => new Error("did not fail"),
      (reason: Error) => reason,
    );
    told.push(error.message);
    return error;
  };
  const request = (n: number) => ({ question: `Question ${n}?`, answer: `answer ${n}`, response: `answer ${n}` });

  it.each([
    ["right", 1],
    ["wrong", 0],
  ])("is heard where the proxy mocks it: %s", async (model, score) => {
    const judge = await open(model);
    expect(await judge.judge(request(1))).toBe(score);
    expect(judge.spent!().output).toBeGreaterThan(0);
  });

  it.each([
    ["prose", /gives no verdict on a plain question: the judge's answer is not a verdict: "It depends\."/],
    ["limited", /gives no verdict on a plain question: HTTP 429: .*mock rate limit error/],
    ["full", /gives no verdict on a plain question: HTTP 400: .*mock context window exceeded error/],
    ["broken", /gives no verdict on a plain question: HTTP 500: .*mock internal server error/],
    ["filtered", /gives no verdict on a plain question: HTTP 400: .*content_filter_policy/],
    ["unheard-of", /gives no verdict on a plain question: HTTP 400: .*Invalid model name/],
  ])("starts nothing with a model that gives no verdict: %s", async (model, message) => {
    const error = await errorOf(open(model));
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(message);
    expect(error.message).toContain("nothing was started");
  });

  it("starts nothing with a key that the proxy does not know, and does not show it", async () => {
    process.env.GRIT_TEST_LITELLM_KEY = "sk-another-0123456789";
    const error = await errorOf(open("right"));
    expect(error).toBeInstanceOf(UserError);
    // Keys other than its own are in a database, which this proxy has not.
    expect(error.message).toMatch(/HTTP 400: No connected db\.\n.*Check the key, /);
    expect(error.message).not.toContain("sk-another-0123456789");
  });

  const said = (message: object, finish_reason = "stop"): Behaviour => ({
    body: { id: "1", object: "chat.completion", choices: [{ index: 0, message, finish_reason }], usage: USAGE },
  });

  it.each<[string, Behaviour, RegExp, "stops" | "goes on"]>([
    ["429", { status: 429 }, /^HTTP 429: .*RateLimitError/, "stops"],
    ["500", { status: 500 }, /^HTTP 500: .*InternalServerError/, "stops"],
    ["503", { status: 503 }, /^HTTP 503: .*ServiceUnavailableError/, "stops"],
    ["401", { status: 401 }, /^HTTP 401: .*AuthenticationError/, "stops"],
    ["404", { status: 404 }, /^HTTP 404: .*NotFoundError/, "stops"],
    ["400", { status: 400 }, /^HTTP 400: .*BadRequestError/, "stops"],
    ["no JSON", "garbage", /^HTTP 500: /, "stops"],
    ["half a JSON", "half", /^HTTP 500: /, "stops"],
    ["a cut connection", "drop", /^HTTP 500: .*Connection error/, "stops"],
    ["silence", "slow", /^HTTP 408: .*Timeout/, "stops"],
    ["nothing", said({ role: "assistant", content: "" }), /^the answer is empty/, "stops"],
    ["no content", said({ role: "assistant", content: null }), /^the answer is empty/, "stops"],
    ["prose", "nonsense", /^the judge's answer is not a verdict/, "goes on"],
    [
      "an answer that is cut",
      said({ role: "assistant", content: "Well," }, "length"),
      /was cut at 64 tokens/,
      "goes on",
    ],
    ["a filter", said({ role: "assistant", content: "" }, "content_filter"), /a content filter refuses/, "goes on"],
  ])(
    "hears through it what fails behind it, scores nothing 0, and %s passes",
    async (_, behaviour, reason, then) => {
      const judge = await open("upstream");
      upstream.behave = ({ text }) => (text.includes("Question 1?") ? behaviour : "judge");
      const one = await judge.judge(request(1));
      told.push(JSON.stringify(one));
      expect(one).toEqual({ unscored: expect.stringMatching(reason) });
      expect(await judge.judge(request(2))).toBe(1);
      upstream.behave = () => behaviour;
      if (then === "goes on")
        expect(await judge.judge(request(3))).toEqual({ unscored: expect.stringMatching(reason) });
      else expect(await errorOf(judge.judge(request(3)))).toBeInstanceOf(Interrupted);
    },
    60_000,
  );
});
