import { describe, expect, it } from "vitest";
import { FakeEngine } from "../../test/fake-engine.ts";
import { EngineDeath } from "../util/errors.ts";
import type { ChatEngine } from "./answers.ts";
import { type ServeOptions, serveApp } from "./serve-app.ts";

const LOCAL = { host: "127.0.0.1" };

function open(options: Partial<ServeOptions> = {}) {
  const app = serveApp({ access: LOCAL, engines: new Map([["tiny", new FakeEngine()]]), ...options });
  return (path: string, init: RequestInit = {}) =>
    app.request(path, { ...init, headers: { host: "localhost", ...init.headers } });
}

const chat = (body: object) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "hi" }], ...body }),
});

describe("serveApp", () => {
  it("is healthy once the model is there", async () => {
    const engines = new Map<string, ChatEngine>();
    const ask = open({ engines });
    expect((await ask("/health")).status).toBe(503);
    expect((await ask("/v1/chat/completions", chat({}))).status).toBe(503);
    engines.set("tiny", new FakeEngine());
    expect(await (await ask("/health")).json()).toEqual({ status: "ok" });
    expect((await ask("/v1/chat/completions", chat({}))).status).toBe(200);
  });

  it("says why it can no longer answer when what computes has ended, at /health, to requests under way and to new ones", async () => {
    const engine = new FakeEngine();
    const death = new EngineDeath("The engine's thread has ended: heap exhausted", "Give JavaScript more memory.");
    const ask = open({ engines: new Map([["tiny", engine]]) });
    engine.pace = () => {
      engine.death = death;
      return Promise.reject(death);
    };
    const told = {
      error: { type: "server_error", code: "engine_ended", message: expect.stringMatching(/heap exhausted/) },
    };
    for (const body of [{}, {}, { stream: true }]) {
      const response = await ask("/v1/chat/completions", chat(body));
      expect([response.status, await response.json()]).toMatchObject([503, told]);
    }
    expect(engine.asked.length).toBe(1);
    engine.death = undefined;
    const streamed = await ask("/v1/chat/completions", chat({ stream: true }));
    expect(await streamed.text()).toMatch(/data: \{"error":\{.*engine_ended/);
    const health = await ask("/health");
    expect([health.status, await health.json()]).toEqual([
      503,
      { status: "failed", reason: expect.stringMatching(/heap exhausted\. Start the server again/) },
    ]);
  });

  it("asks for the key everywhere but at /health", async () => {
    const ask = open({ access: { ...LOCAL, key: "k" } });
    expect((await ask("/health")).status).toBe(200);
    for (const path of ["/metrics", "/v1/models", "/v1/chat/completions", "/none"]) {
      expect((await ask(path)).status).toBe(401);
      expect((await ask(path, { headers: { authorization: "Bearer k" } })).status).not.toBe(401);
    }
  });

  it("refuses foreign pages", async () => {
    const ask = open();
    expect((await ask("/v1/models", { headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await ask("/health", { headers: { host: "evil.example" } })).status).toBe(403);
  });

  it.each([
    "/",
    "/v1",
    "/v2/models",
    "/etc/passwd",
    "/../../etc/passwd",
    "/v1/%2e%2e/%2e%2e/etc/passwd",
    "/v1/models/../../x",
  ])("has nothing at %s", async (path) => {
    const response = await open()(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  });

  it("counts what it does", async () => {
    const ask = open();
    await ask("/v1/chat/completions", chat({}));
    await ask("/v1/chat/completions", chat({ n: 0 }));
    await ask("/one");
    await ask("/two");
    const text = await (await ask("/metrics")).text();
    const value = (name: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.split(" ")[1],
      );
    expect(value('grit_requests_total{path="/v1/chat/completions",status="200"}')).toBe(1);
    expect(value('grit_requests_total{path="/v1/chat/completions",status="400"}')).toBe(1);
    expect(text.match(/status="404"} 2/g)).toHaveLength(1);
    expect(text).not.toMatch(/"\/one"/);
    expect(value("grit_running")).toBe(0);
    expect(value("grit_prompt_tokens_total")).toBeGreaterThan(5);
    expect(value("grit_completion_tokens_total")).toBeGreaterThan(1);
    expect(value("grit_request_seconds_count")).toBe(2);
    expect(value("grit_first_token_seconds_count")).toBe(1);
    expect(value('grit_queue_seconds_bucket{le="+Inf"}')).toBe(1);
    expect(value('grit_queue_seconds_bucket{le="120"}')).toBe(1);
    // Every line of values is explained above it.
    for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
      const name = /^grit_\w+?(?=_bucket|_sum|_count|\{| )/.exec(line)![0];
      expect(text).toContain(`# TYPE ${name} `);
    }
  });
});
