/** @file One request to a chat-completions endpoint, OpenAI's form or Azure's, and what came of it. */

import type { OpenAISettings } from "../config/judge-settings.ts";
import { type Response, reasonOf, request, retryAfter, textOf } from "../util/http.ts";

/** Tokens of a request and its answer, as the endpoint counted them. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** What came of a request. `usage` is undefined where it may have been paid for, but nobody said how much. */
export type Outcome = {
  readonly usage: Usage | undefined;
} /** `cut`: at the most tokens that an answer may have. */ & (
  | { readonly kind: "answered"; readonly text: string; readonly cut: boolean }
  /** Will not be answered: the model or a filter refuses this one. */
  | { readonly kind: "declined"; readonly reason: string }
  /** Is not taken as it is: for what this one asks, or as all others will not be either. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** None will be answered: the key, the account or the model is not accepted. */
  | { readonly kind: "refused"; readonly reason: string }
  /** May be answered later, not before `after` milliseconds. */
  | { readonly kind: "failed"; readonly reason: string; readonly after: number }
);

const FREE: Usage = { input: 0, output: 0 };
/** Bytes of an answer; one with a reasoning of 100,000 tokens has less than 1 MB. */
const LONGEST = 10e6;
/** Statuses that pass: timeouts, conflicts, rate limits; and all of 5xx. */
const passing = new Set([408, 409, 425, 429]);
/** Statuses about who asks what of whom, not about the question. */
const closed = new Set([401, 402, 403, 404, 405, 407]);
/** The same by an error's code or type, whatever its status: OpenAI's, and LiteLLM's for a budget that is spent. */
const CLOSED =
  /^(?:insufficient_quota|billing_hard_limit_reached|billing_not_active|budget_exceeded|invalid_api_key|account_deactivated|model_not_found|DeploymentNotFound)$/;

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
      const response = await request(this.url, {
        method: "POST",
        headers: this.#headers,
        body,
        redirect: "manual",
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      answered = response.ok;
      return this.#read(response, await textOf(response, LONGEST));
    } catch (error) {
      signal?.throwIfAborted();
      const reason = timeout.aborted
        ? `no answer within ${this.#timeout / 1000} s`
        : this.masked(`no connection: ${reasonOf(error)}`);
      // A request that timed out, or whose answer broke off, may have been computed and will then be paid.
      const sent = answered || !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(reason);
      return { kind: "failed", reason, after: 0, usage: sent ? undefined : FREE };
    }
  }

  /** A text of the service's without the key, however it is written there, on one line. */
  masked(text: string): string {
    const forms = [this.#key, encodeURIComponent(this.#key), Buffer.from(this.#key).toString("base64")];
    const without = forms.reduce((shown, form) => shown.replaceAll(form, "***"), text);
    return without.replace(/\s+/g, " ").trim().slice(0, 300);
  }

  #read(response: Response, text: string): Outcome {
    if (response.ok) return this.#completion(text);
    const { status, headers } = response;
    const error = parsed(text)?.error;
    const moved = status < 400 ? headers.get("location") : null;
    const said = moved ? `moved to ${moved}` : (messageIn(error) ?? text);
    const reason = `HTTP ${status}: ${this.masked(said) || "no message"}`;
    return failure(status, error, { reason, usage: FREE }, retryAfter(response) ?? 0);
  }

  /**
   * What a body of status 200 says. Gateways put the failure of the service behind them into one; that, like a body that is no
   * chat completion and an empty answer, is a failure of the endpoint, not a verdict.
   */
  #completion(text: string): Outcome {
    const failed = { kind: "failed", after: 0 } as const;
    const body = parsed(text);
    const choice = Array.isArray(body?.choices) ? (body.choices[0] as Choice | null | undefined) : undefined;
    const { prompt_tokens, completion_tokens } = body?.usage ?? {};
    const usage =
      isCount(prompt_tokens) && isCount(completion_tokens)
        ? { input: prompt_tokens, output: completion_tokens }
        : undefined;
    const error = body?.error ?? choice?.error;
    if (error) {
      const reason = `the service reports an error: ${this.masked(messageIn(error) ?? text)}`;
      return failure(statusIn(error) ?? 500, error, { reason, usage });
    }
    if (!choice?.message) {
      const reason = `the answer is not a chat completion: ${JSON.stringify(this.masked(text).slice(0, 80))}`;
      return { ...failed, reason, usage };
    }
    const { message, finish_reason } = choice;
    if (finish_reason === "error") return { ...failed, reason: "the service broke off with an error", usage };
    if (message.refusal)
      return {
        kind: "declined",
        reason: `the model refuses: ${this.masked(textIn(message.refusal)) || "no reason"}`,
        usage,
      };
    if (finish_reason === "content_filter") return { kind: "declined", reason: "a content filter refuses", usage };
    const [content, cut] = [textIn(message.content), finish_reason === "length"];
    if (content.trim() !== "" || cut) return { kind: "answered", text: content, cut, usage };
    return { ...failed, reason: "the answer is empty", usage };
  }
}

/** What is read of a chat completion, or of an error's body. */
interface Completion {
  readonly error?: ErrorBody | null;
  readonly choices?: unknown;
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown };
}
type ErrorBody = string | { readonly message?: unknown; readonly code?: unknown; readonly type?: unknown };
interface Part {
  readonly type?: unknown;
  readonly text?: unknown;
}
interface Choice {
  readonly message?: { readonly content?: unknown; readonly refusal?: unknown };
  readonly finish_reason?: unknown;
  readonly error?: ErrorBody;
}

function parsed(text: string): Completion | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What an error says about a request, and about others. */
function failure(
  status: number,
  error: ErrorBody | null | undefined,
  said: { readonly reason: string; readonly usage: Usage | undefined },
  after = 0,
): Outcome {
  const { code, type } = (typeof error === "object" ? error : undefined) ?? {};
  const names = [code, type].filter((name) => typeof name === "string");
  if (names.some((name) => CLOSED.test(name))) return { kind: "refused", ...said };
  if (passing.has(status) || status >= 500) return { kind: "failed", ...said, after };
  if (closed.has(status) || status < 400) return { kind: "refused", ...said };
  return { kind: names.includes("content_filter") ? "declined" : "rejected", ...said };
}

/** The status that an error carries as its code, as a number or as text. */
function statusIn(error: ErrorBody): number | undefined {
  const code = typeof error === "object" ? Number(error.code ?? Number.NaN) : Number.NaN;
  return code >= 400 && code < 600 ? code : undefined;
}

function messageIn(error: ErrorBody | null | undefined): string | undefined {
  const said = typeof error === "string" ? error : error?.message;
  return typeof said === "string" ? said : undefined;
}

/** Ends what a model thought, where a server leaves it in the answer. */
const THOUGHT = "</think>";

/** Text as it is, or the texts of a list of parts; what a model thought before it is not among them. */
function textIn(content: unknown): string {
  if (typeof content === "string") {
    const spoken = content.split(THOUGHT).at(-1)!;
    return /^\s*<think>/.test(spoken) ? "" : spoken;
  }
  if (!Array.isArray(content)) return "";
  return (content as (Part | null)[])
    .filter((part) => part?.type === undefined || part.type === "text" || part.type === "output_text")
    .map((part) => (typeof part?.text === "string" ? part.text : ""))
    .join("");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
