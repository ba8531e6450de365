import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { withApiErrors } from "./api-error.ts";
import { type Access, checkAccess, keyed, sameSite } from "./guards.ts";

const LOCAL = { host: "127.0.0.1" };
const ALLOWED = "https://my.example";

async function ask(access: Access, headers: Record<string, string>, method = "GET"): Promise<Response> {
  const app = withApiErrors(new Hono());
  app.use(sameSite(access), keyed(access));
  app.get("/", (c) => c.text("yes"));
  return app.request("/", { method, headers: { host: "127.0.0.1:8000", ...headers } });
}

describe("checkAccess", () => {
  it.each([
    [{ host: "127.0.0.1" }],
    [{ host: "127.9.9.9" }],
    [{ host: "localhost" }],
    [{ host: "::1" }],
    [{ host: "0.0.0.0", key: "k" }],
    [{ host: "127.0.0.1", origins: ["https://my.example:81", "http://localhost:5173"] }],
  ])("takes %j", (access) => {
    expect(() => checkAccess(access)).not.toThrow();
  });

  it.each([
    [{ host: "0.0.0.0" }, /no key[\s\S]*GRIT_KEY/],
    [{ host: "::" }, /no key/],
    [{ host: "127.0.0.1.evil.example" }, /no key/],
    [{ host: "localhost.evil.example" }, /no key/],
    [{ host: "127.0.0.1", key: "" }, /empty/],
    [{ host: "127.0.0.1", key: "a b" }, /header/],
    [{ host: "127.0.0.1", key: "a\n" }, /header/],
    [{ host: "127.0.0.1", origins: ["my.example"] }, /my\.example is not an origin/],
    [{ host: "127.0.0.1", origins: ["https://my.example/"] }, /not an origin/],
    [{ host: "127.0.0.1", origins: ["*"] }, /not an origin/],
    [{ host: "127.0.0.1", origins: ["null"] }, /not an origin/],
  ])("refuses %j", (access: Access, message) => {
    expect(() => checkAccess(access)).toThrow(UserError);
    expect(() => checkAccess(access)).toThrow(message);
  });
});

describe("sameSite on loopback", () => {
  it.each([
    [{}],
    [{ host: "localhost" }],
    [{ host: "LOCALHOST:1" }],
    [{ host: "[::1]:8000" }],
    [{ origin: "http://127.0.0.1:8000" }],
    [{ host: "localhost:8000", origin: "http://localhost:8000" }],
  ])("answers %j", async (headers: Record<string, string>) => {
    expect((await ask(LOCAL, headers)).status).toBe(200);
  });

  it.each([
    [{ host: "evil.example" }],
    [{ host: "127.0.0.1.evil.example:8000" }],
    [{ host: "" }],
    [{ host: "localhost:8000:1" }],
    [{ origin: "https://evil.example" }],
    [{ origin: "http://127.0.0.1:8001" }],
    [{ origin: "http://localhost:8000" }],
    [{ origin: "https://127.0.0.1:8000" }],
    [{ origin: "null" }],
    [{ host: "evil.example", origin: "http://evil.example" }],
  ])("refuses %j", async (headers: Record<string, string>) => {
    const response = await ask({ ...LOCAL, origins: [ALLOWED] }, headers);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", param: null, code: null } });
    expect(response.headers.get("access-control-allow-origin")).toBe(null);
  });

  it("lets allowed pages ask, before they send their key", async () => {
    const access = { ...LOCAL, key: "k", origins: [ALLOWED] };
    const preflight = { origin: ALLOWED, "access-control-request-headers": "authorization,x-stainless-os" };
    const response = await ask(access, preflight, "OPTIONS");
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": ALLOWED,
      "access-control-allow-headers": "authorization,x-stainless-os",
      vary: "Origin",
    });
    // A page can read what is wrong, too.
    const refused = await ask(access, { origin: ALLOWED });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, ALLOWED]);
    expect((await ask(access, { host: "my.example" })).status).toBe(401);
  });
});

it("elsewhere any Host may be asked for, and the key decides", async () => {
  const access = { host: "0.0.0.0", key: "k" };
  expect((await ask(access, { host: "gpu.example", authorization: "Bearer k" })).status).toBe(200);
});

describe("keyed", () => {
  const access = { ...LOCAL, key: "secret" };

  it("accepts the key", async () => {
    expect((await ask(access, { authorization: "Bearer secret" })).status).toBe(200);
    expect((await ask(access, { authorization: "bearer  secret" })).status).toBe(200);
  });

  it.each([
    [undefined],
    ["secret"],
    ["Bearer"],
    ["Bearer secre"],
    ["Bearer secret2"],
    ["Bearer SECRET"],
    ["Basic secret"],
  ])("refuses %j", async (authorization) => {
    const response = await ask(access, authorization === undefined ? {} : { authorization });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toMatchObject({ error: { code: "invalid_api_key" } });
  });

  it("without a key accepts any", async () => {
    expect((await ask(LOCAL, { authorization: "Bearer whatever" })).status).toBe(200);
  });
});
