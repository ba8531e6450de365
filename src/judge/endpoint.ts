/** @file One request to a chat-completions endpoint, OpenAI's form or Azure's, and what came of it. */

import type { OpenAISettings } from "../config/judge-settings.ts";
import { messageOf } from "../util/errors.ts";

/** Tokens of a request and its answer, as the endpoint counted them. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** What came of a request. `usage` is undefined where it may have been paid for, but nobody said how much. */
export type Outcome = { readonly usage: Usage | undefined } & (
  | { readonly kind: "answered"; readonly text: string }
  /** Will not be answered: the model or a filter refuses this one. */
  | { readonly kind: "declined"; readonly reason: string }
  /** None will be answered: the key, the account or the model is not accepted. */
  | { readonly kind: "refused"; readonly reason: string }
  /** May be answered later, not before `after` milliseconds. */
  | { readonly kind: "failed"; readonly reason: string; readonly after: number }
);

const FREE: Usage = { input: 0, output: 0 };
/** Statuses that pass: timeouts, conflicts, rate limits; and all of 5xx. */
const passing = new Set([408, 409, 425, 429]);
/** Statuses about who asks what of whom, not about the question. */
const closed = new Set([401, 402, 403, 404, 405]);

export class Endpoint {
  readonly url: string;
  /** The address without its last slashes: what the url begins with. */
  readonly base: string;
  readonly #headers: Record<string, string>;
  readonly #key: string;
  readonly #timeout: number;

  constructor({ base_url, api_version, model, timeout }: OpenAISettings, key: string) {
    this.base = base_url.replace(/\/+$/, "");
    this.url = api_version
      ? `${this.base}/openai/deployments/${encodeURIComponent(model)}/chat/completions?api-version=${api_version}`
      : `${this.base}/chat/completions`;
    this.#headers = {
      "content-type": "application/json",
      ...(api_version ? { "api-key": key } : { authorization: `Bearer ${key}` }),
    };
    this.#key = key;
    this.#timeout = timeout * 1000;
  }

  /** Sends one request and waits for all of its answer. @throws the signal's reason when it is aborted; nothing else */
  async ask(body: string, signal?: AbortSignal): Promise<Outcome> {
    const timeout = AbortSignal.timeout(this.#timeout);
    let answered = false;
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: this.#headers,
        body,
        redirect: "manual",
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      answered = response.ok;
      return this.#read(response, await response.text());
    } catch (error) {
      signal?.throwIfAborted();
      const reason = timeout.aborted ? `no answer within ${this.#timeout / 1000} s` : networkFault(error);
      // A request that timed out, or whose answer broke off, may have been computed and will then be paid.
      const sent = answered || !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(reason);
      return { kind: "failed", reason, after: 0, usage: sent ? undefined : FREE };
    }
  }

  #read(response: Response, text: string): Outcome {
    if (response.ok) return readCompletion(text);
    const { status } = response;
    const reason = `HTTP ${status}: ${this.#fault(text)}`;
    if (passing.has(status) || status >= 500)
      return { kind: "failed", reason, after: retryAfter(response.headers), usage: FREE };
    if (closed.has(status) || status < 400) return { kind: "refused", reason, usage: FREE };
    return { kind: "declined", reason, usage: FREE };
  }

  /** The message of an error's body, on one line and without the key. */
  #fault(text: string): string {
    let said = text;
    try {
      const { error } = JSON.parse(text) as { error?: { message?: unknown } | string };
      said = String((typeof error === "string" ? error : error?.message) ?? text);
    } catch {}
    return said.replaceAll(this.#key, "***").replace(/\s+/g, " ").trim().slice(0, 300) || "no message";
  }
}

/** What a body of status 200 says. One that is no chat completion is a failure of the endpoint, not a verdict. */
function readCompletion(text: string): Outcome {
  const failed: Outcome = { kind: "failed", reason: "the answer is not a chat completion", after: 0, usage: undefined };
  let body: Completion | null;
  try {
    body = JSON.parse(text) as Completion | null;
  } catch {
    return failed;
  }
  const choice = Array.isArray(body?.choices) ? body.choices[0] : undefined;
  const { prompt_tokens, completion_tokens } = body?.usage ?? {};
  const usage =
    isCount(prompt_tokens) && isCount(completion_tokens)
      ? { input: prompt_tokens, output: completion_tokens }
      : undefined;
  if (choice?.message?.refusal)
    return { kind: "declined", reason: `the model refuses: ${choice.message.refusal}`, usage };
  if (choice?.finish_reason === "content_filter")
    return { kind: "declined", reason: "a content filter refuses", usage };
  const content = choice?.message?.content;
  return typeof content === "string" ? { kind: "answered", text: content, usage } : { ...failed, usage };
}

/** What is read of a chat completion. */
interface Completion {
  readonly choices?: readonly {
    readonly message?: { readonly content?: unknown; readonly refusal?: unknown };
    readonly finish_reason?: unknown;
  }[];
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Milliseconds that the headers ask to wait: `Retry-After` in seconds or as a date, `retry-after-ms`; else 0. */
function retryAfter(headers: Headers): number {
  const exact = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (exact >= 0) return exact;
  const text = headers.get("retry-after") ?? "";
  const wait = /^\d+(\.\d+)?$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(wait, 0);
}

/** `fetch` says only "fetch failed"; the cause has the code. */
function networkFault(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? `${String(cause.code)} ` : "";
  return `no connection: ${code}${messageOf(cause)}`.trim();
}
