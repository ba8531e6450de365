/**
 * @file What services do besides judging, one row each, and what comes of it: for one request that meets it alone, for one that
 * meets it once, for all of them from some moment on, and when the judge is opened. None is ever scored 0 for it, and the key is in
 * no file, line or message.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Behaviour, JudgeServer, USAGE } from "../../test/judge-server.ts";
import { judgeSchema } from "../config/judge-settings.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { openJudge } from "./open.ts";

const KEY = "sk-test+key/0123456789=";
process.env.GRIT_TEST_BEHAVIOUR_KEY = KEY;

/** What comes of a behaviour. */
type Outcome =
  /** It is an answer like any other. */
  | { readonly is: "scored"; readonly score: number }
  /** No verdict, from a service that is well: asked again, then unscored. */
  | { readonly is: "nonsense"; readonly reason: RegExp }
  /** A refusal of this question: unscored at once. */
  | { readonly is: "declined"; readonly reason: RegExp }
  /** Not taken: unscored at once if others are, else the work stops. */
  | { readonly is: "rejected"; readonly reason: RegExp }
  /** Passes: asked again; unscored if others are answered, else waited for until patience ends. */
  | { readonly is: "failed"; readonly reason: RegExp }
  /** Will not pass: as `failed`, without waiting. */
  | { readonly is: "refused"; readonly reason: RegExp };

const scored = (score: number): Outcome => ({ is: "scored", score });
const nonsense: Outcome = { is: "nonsense", reason: /^the judge's answer is not a verdict: / };
const declined = (reason: RegExp): Outcome => ({ is: "declined", reason });
const rejected = (reason: RegExp): Outcome => ({ is: "rejected", reason });
const failed = (reason: RegExp): Outcome => ({ is: "failed", reason });
const refused = (reason: RegExp): Outcome => ({ is: "refused", reason });

/** A chat completion that says this. */
const completion = (content: unknown, { finish_reason = "stop", ...message }: Record<string, unknown> = {}) => ({
  choices: [{ message: { role: "assistant", content, ...message }, finish_reason }],
  usage: USAGE,
});
const said = (content: unknown, rest?: Record<string, unknown>): Behaviour => ({ body: completion(content, rest) });
const good = JSON.stringify(completion('{"score": 1}'));
/** Status 200 with these headers and bytes. */
const bytes =
  (body: string | Buffer, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(body);
  };
const error = (status: number, message: string, more: object = {}): Behaviour => ({ status, message, error: more });
const notACompletion = failed(/^the answer is not a chat completion/);
const empty = failed(/^the answer is empty/);

const rows: [name: string, behaviour: Behaviour, outcome: Outcome][] = [
  // Failures by status, and how long the service asks to wait.
  ["429 with Retry-After in seconds", { status: 429, headers: { "retry-after": "0" } }, failed(/^HTTP 429: out/)],
  [
    "429 with Retry-After as a date",
    { status: 429, headers: { "retry-after": new Date(0).toUTCString() } },
    failed(/^HTTP 429/),
  ],
  ["429 with retry-after-ms", { status: 429, headers: { "retry-after-ms": "3" } }, failed(/^HTTP 429/)],
  [
    "429 with a Retry-After that says nothing",
    { status: 429, headers: { "retry-after": "soon" } },
    failed(/^HTTP 429/),
  ],
  [
    "429 that asks for more patience than there is",
    { status: 429, headers: { "retry-after": "3600" } },
    failed(/^HTTP 429/),
  ],
  ["408", error(408, "request timeout"), failed(/^HTTP 408: request timeout/)],
  ["500", error(500, "internal error"), failed(/^HTTP 500: internal error/)],
  ["502 in HTML", htmlOf(502), failed(/^HTTP 502: <html>/)],
  ["503", error(503, "overloaded"), failed(/^HTTP 503: overloaded/)],
  ["504 without a body", (response) => void response.writeHead(504).end(), failed(/^HTTP 504: no message/)],
  ["529", error(529, "overloaded_error"), failed(/^HTTP 529/)],
  // Connections.
  ["a connection that is cut", "drop", failed(/^no connection: /)],
  ["a reset in the middle of the body", cutAfter(good.length / 2), failed(/^no connection: /)],
  ["no answer in time", () => {}, failed(/^no answer within 0\.3 s/)],
  ["a body that stops coming", (response) => void response.write(good.slice(0, 9)), failed(/^no answer within 0\.3 s/)],
  ["a body that drips", drip, failed(/^no answer within 0\.3 s/)],
  // Bodies of status 200 that are no chat completion.
  ["HTML with status 200", "garbage", notACompletion],
  ["JSON that is cut off", bytes(good.slice(0, -9)), notACompletion],
  ["an empty body", bytes(""), notACompletion],
  ["null", bytes("null"), notACompletion],
  ["a number", bytes("1"), notACompletion],
  ["a verdict without a completion around it", bytes('{"score": 1}'), notACompletion],
  ["a stream that nobody asked for", bytes(`data: ${good}\n\ndata: [DONE]\n\n`), notACompletion],
  ["another service's form", { body: { message: { content: '{"score": 1}' }, done: true } }, notACompletion],
  ["no choices", { body: { choices: [] } }, notACompletion],
  ["a list", { body: [] }, notACompletion],
  ["choices that are null", { body: { choices: [null] } }, notACompletion],
  ["a message that is a text", { body: { choices: [{ message: '{"score": 1}' }] } }, empty],
  ["broken gzip", bytes("no gzip", { "content-encoding": "gzip" }), failed(/^no connection: /)],
  ["more than an answer can be", bytes(" ".repeat(10_000_001)), failed(/more than 10 MB/)],
  // Errors inside status 200.
  ["an error in a 200", { body: { error: { message: "upstream is down" } } }, failed(/reports an error: upstream is/)],
  ["an error as text in a 200", { body: { error: "overloaded" } }, failed(/reports an error: overloaded/)],
  [
    "an error beside a verdict",
    { body: { ...completion('{"score": 0}'), error: { message: "cut off", code: 502 } } },
    failed(/reports an error: cut off/),
  ],
  ["a rate limit in a 200", { body: { error: { message: "slow down", code: "429" } } }, failed(/error: slow down/)],
  [
    "an error of the choice in a 200",
    { body: { choices: [{ message: { content: "" }, error: { message: "lost" } }] } },
    failed(/reports an error: lost/),
  ],
  ["a bad request in a 200", { body: { error: { message: "bad", code: 400 } } }, rejected(/error: bad/)],
  ["a refused key in a 200", { body: { error: { message: "who?", code: "401" } } }, refused(/error: who\?/)],
  ["finish_reason error", said('{"score": 0}', { finish_reason: "error" }), failed(/broke off with an error/)],
  // Answers without a text.
  ["an empty answer", said(""), empty],
  ["blanks", said(" \n "), empty],
  ["null content", said(null), empty],
  ["null content beside reasoning_content", said(null, { reasoning_content: 'So {"score": 1}.' }), empty],
  ["thoughts in the content, and nothing after them", said("<think>So {score: 1}.</think>"), empty],
  ["content that is an object", said({ score: 1 }), empty],
  ["content that is a number", said(1), empty],
  ["a list of parts without text", said([{ type: "image_url", image_url: { url: "x" } }, null]), empty],
  ["a call of a tool", said(null, { finish_reason: "tool_calls", tool_calls: [] }), empty],
  // Answers that were cut or refused.
  ["finish_reason length", said("First of all,", { finish_reason: "length" }), declined(/was cut at 64 tokens/)],
  ["thoughts that were cut", said("<think>{score: 0}?", { finish_reason: "length" }), declined(/was cut at 64 tokens/)],
  ["content_filter", said("", { finish_reason: "content_filter" }), declined(/content filter refuses/)],
  ["a refusal", said(null, { refusal: "I would rather not." }), declined(/the model refuses: I would rather not/)],
  [
    "a filter's 400",
    error(400, "content management policy", { code: "content_filter" }),
    declined(/^HTTP 400: content management/),
  ],
  // Verdicts.
  ["a verdict", said('{"score": 1}'), scored(1)],
  ["a verdict of 0", said('{"score": 0}'), scored(0)],
  ["the instruction's own form", said("{score: 0.5}"), scored(0.5)],
  ["words around a verdict", said("They agree.\n```json\n{score: 1}\n```"), scored(1)],
  ["keys beside the score", said('{"reason": "They agree.", "score": 1, "sure": true}'), scored(1)],
  [
    "a list of parts",
    said([
      { type: "text", text: '{"score":' },
      { type: "text", text: " 1}" },
    ]),
    scored(1),
  ],
  [
    "a part with thoughts",
    said([
      { type: "reasoning", text: "{score: 0}?" },
      { type: "text", text: "{score: 1}" },
    ]),
    scored(1),
  ],
  ["thoughts before a verdict", said("<think>{score: 0}? No.</think>\n{score: 1}"), scored(1)],
  ["reasoning_content beside a verdict", said('{"score": 1}', { reasoning_content: "{score: 0}?" }), scored(1)],
  ["a verdict before a cut", said('{"score": 1} since', { finish_reason: "length" }), scored(1)],
  ["full-width letters", said("｛ｓｃｏｒｅ：１｝"), scored(1)],
  ["curly quotes", said("{“score”: 1}"), scored(1)],
  ["a byte-order mark", bytes(`\ufeff${good}`), scored(1)],
  ["gzip", bytes(gzipSync(good), { "content-encoding": "gzip" }), scored(1)],
  ["brotli", bytes(brotliCompressSync(good), { "content-encoding": "br" }), scored(1)],
  ["chunks", chunked, scored(1)],
  ["another content type", bytes(good, { "content-type": "text/plain" }), scored(1)],
  ["no usage", { body: { ...completion('{"score": 1}'), usage: null } }, scored(1)],
  ["usage that is no count", { body: { ...completion('{"score": 1}'), usage: { prompt_tokens: "many" } } }, scored(1)],
  // Answers that are no verdict.
  ["prose", said("It depends."), nonsense],
  ["a number without braces", said("0"), nonsense],
  ["a score outside [0, 1]", said('{"score": 2}'), nonsense],
  ["a negative score", said('{"score": -1}'), nonsense],
  ["a score of a hundred", said('{"score": 100}'), nonsense],
  ["NaN", said('{"score": NaN}'), nonsense],
  ["a score that is null", said('{"score": null}'), nonsense],
  ["a score that is a text", said('{"score": "1"}'), nonsense],
  ["a score that is a word", said("{score: one}"), nonsense],
  ["a score that is true", said('{"score": true}'), nonsense],
  ["a score that is a list", said('{"score": [1]}'), nonsense],
  ["a decimal comma", said("{score: 0,5}"), nonsense],
  ["a fraction", said("{score: 1/1}"), nonsense],
  ["several verdicts", said("{score: 0}\n{score: 1}"), nonsense],
  ["the same key twice", said('{"score": 0, "score": 1}'), nonsense],
  ["the form quoted back", said('Please output "{score: <score>}".'), nonsense],
  ["an example", said("For example {score: 0}."), nonsense],
  ["the form described", said("The format is {score: 1}."), nonsense],
  ["a wish beside a score", said("I would need the picture. {score: 0}"), nonsense],
  ["a refusal in words", said("I cannot judge this. {score: 0}"), nonsense],
  ["a refusal beside the score", said('{"score": 0, "reason": "I cannot see the picture."}'), nonsense],
  ["another key", said('{"max_score": 1}'), nonsense],
  // What will not pass.
  ["401", error(401, `bad key ${KEY}`), refused(/^HTTP 401: bad key \*\*\*$/)],
  ["401 with the key in a link", error(401, `see /?k=${encodeURIComponent(KEY)}`), refused(/see \/\?k=\*\*\*$/)],
  ["402", error(402, "payment required"), refused(/^HTTP 402/)],
  ["403", error(403, "not for you"), refused(/^HTTP 403/)],
  ["404 of the model", error(404, "no such model", { code: "model_not_found" }), refused(/^HTTP 404: no such model/)],
  [
    "404 of the address, as text",
    (response) => void response.writeHead(404).end("Not Found"),
    refused(/404: Not Found/),
  ],
  [
    "a redirect",
    { status: 307, headers: { location: `/v2?key=${KEY}` } },
    refused(/^HTTP 307: moved to \/v2\?key=\*\*\*/),
  ],
  [
    "429 for a quota that is used up",
    error(429, "no quota", { code: "insufficient_quota" }),
    refused(/^HTTP 429: no q/),
  ],
  ["400 for a budget that is spent", error(400, "spent", { type: "budget_exceeded" }), refused(/^HTTP 400: spent/)],
  ["400 for a key that is refused", error(400, "no", { code: "invalid_api_key" }), refused(/^HTTP 400: no/)],
  // What is not taken as it is.
  ["400", error(400, "too long"), rejected(/^HTTP 400: too long/)],
  ["400 that refuses max_tokens", error(400, "unsupported: 'max_tokens'"), rejected(/^HTTP 400: .*max_tokens/)],
  ["400 that refuses the temperature", error(400, "'temperature' must be 1"), rejected(/^HTTP 400: .*temperature/)],
  ["413", error(413, "too large"), rejected(/^HTTP 413/)],
  ["422", error(422, "unprocessable"), rejected(/^HTTP 422/)],
];

function htmlOf(status: number): Behaviour {
  return (response) => void response.writeHead(status, { "content-type": "text/html" }).end("<html>Bad Gateway</html>");
}

function cutAfter(length: number): Behaviour {
  return (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": String(good.length) });
    response.write(good.slice(0, length), () => response.socket?.destroy());
  };
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const timer = setInterval(() => response.write(" "), 20);
  response.on("close", () => clearInterval(timer));
}

function chunked(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json", "transfer-encoding": "chunked" });
  for (const char of good) response.write(char);
  response.end();
}

/** Behaviours that only end with the client's time. */
const isSlow = ([, , outcome]: (typeof rows)[number]) =>
  outcome.is === "failed" && /no answer/.test(outcome.reason.source);

/** A judge and its server, with folders of their own. */
class World implements AsyncDisposable {
  readonly server = new JudgeServer();
  readonly dir = mkdtempSync(join(tmpdir(), "grit-behaviour-"));
  /** All that was said to the user. */
  readonly told: string[] = [];

  open = async (timeout: number) => {
    const openai = {
      base_url: `${this.server.url}/v1`,
      key_env: "GRIT_TEST_BEHAVIOUR_KEY",
      cache: this.dir,
      patience: 0.02,
      timeout,
    };
    const options = { waits: { first: 1, longest: 2 }, notice: (text: string) => void this.told.push(text) };
    return await openJudge(judgeSchema.parse({ name: "openai", openai }), options);
  };

  /** The error of work that must fail. */
  async errorOf(work: Promise<unknown>): Promise<Error> {
    const error = await work.then(
      () => new Error("did not fail"),
      (reason: Error) => reason,
    );
    this.told.push(error.message);
    return error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    const files = readdirSync(this.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
    rmSync(this.dir, { recursive: true });
    for (const form of [KEY, encodeURIComponent(KEY)])
      expect([...this.told, ...written].join("\n")).not.toContain(form);
  }
}

const request = (n: number) => ({ question: `Question ${n}?`, answer: `answer ${n}`, response: `answer ${n}` });
const isAbout = (n: number, text: string) => text.includes(`Question: Question ${n}?`);

async function meets([, behaviour, outcome]: (typeof rows)[number], timeout: number): Promise<void> {
  await using world = new World();
  const { server, told } = world;
  server.delay = 0;
  await server.start();
  const judge = await world.open(timeout);
  const unscored = outcome.is === "scored" ? undefined : { unscored: expect.stringMatching(outcome.reason) };

  // One request alone meets it, always; others are answered.
  server.behave = ({ text }) => (isAbout(1, text) ? behaviour : "judge");
  const one = await judge.judge(request(1));
  told.push(JSON.stringify(one));
  expect(one).toEqual(unscored ?? (outcome as { score: number }).score);
  const tries = server.received.filter(({ text }) => isAbout(1, text)).length;
  const insists = outcome.is === "failed" || outcome.is === "nonsense";
  const waits =
    typeof behaviour !== "object" || !("headers" in behaviour) || behaviour.headers?.["retry-after"] !== "3600";
  expect(tries).toBe(insists && waits ? 4 : 1);
  expect(await judge.judge(request(2))).toBe(1);

  // It is met once: what passes has passed.
  if (insists && waits) {
    let met = false;
    server.behave = ({ text }) => {
      if (met || !isAbout(3, text)) return "judge";
      met = true;
      return behaviour;
    };
    expect(await judge.judge(request(3))).toBe(1);
  }

  // From now on all requests meet it.
  server.behave = () => behaviour;
  const work = judge.judge(request(4));
  if (outcome.is === "failed" || outcome.is === "refused" || outcome.is === "rejected") {
    const stopped = await world.errorOf(work);
    expect(stopped).toBeInstanceOf(Interrupted);
    expect(stopped.message).toMatch(new RegExp(outcome.reason.source.replace(/[$^]/g, "")));
    expect(stopped.message).toMatch(
      outcome.is === "failed" ? /has stopped answering \(/ : /no longer takes what it took \([\s\S]*Check the key/,
    );
  } else expect(await work).toEqual(unscored ?? (outcome as { score: number }).score);

  // It is met when a judge is opened.
  if (outcome.is === "scored") await world.open(timeout);
  else {
    const error = await world.errorOf(world.open(timeout));
    expect(error).toBeInstanceOf(UserError);
    expect(error).not.toBeInstanceOf(Interrupted);
    expect(error.message).toMatch(outcome.is === "refused" ? / refuses: / : / gives no verdict on a plain question: /);
    expect(error.message).toMatch(new RegExp(outcome.reason.source.replace(/[$^]/g, "")));
    expect(error.message).toMatch(/; nothing was started\.$/);
  }
}

describe("a service that answers with", () => {
  it.each(rows.filter((row) => !isSlow(row)))("%s", (...row) => meets(row, 60));
  it.concurrent.each(rows.filter(isSlow))("%s", (...row) => meets(row, 0.3));
});
