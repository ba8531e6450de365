/**
 * @file A language model behind any OpenAI-compatible endpoint, or Azure, that is asked for numbers. A question is answered
 * from the cache or by one request; a request that fails is tried again; one that goes on failing while others are answered
 * is unscored; and when none is answered the work waits, and then stops to be resumed.
 */

import { join } from "node:path";
import type { OpenAISettings } from "../config/judge-settings.ts";
import { isScored, type Score } from "../records.ts";
import { Interrupted, UserError } from "../util/errors.ts";
import { Limit } from "../util/limit.ts";
import { Breaker, backoff, type Fault, pause, type Waits } from "./breaker.ts";
import { Endpoint, type Outcome, type Usage } from "./endpoint.ts";
import type { Cost, JudgeService } from "./judge.ts";
import { Ledger } from "./ledger.ts";
import { AnswerCache, nameOf } from "./verdict-cache.ts";

/** Tries before a request is given up. */
const TRIES = 4;

/** How the form of an answer is asked for: by a JSON schema, or by the question's words alone. */
export type AnswerForm = "json_schema" | "text";

/** A request as the endpoint takes it. */
export interface Question {
  /** Of a chat-completions request. */
  readonly body: string;
  /** The tokens that it can come to at most, which are reserved for it. */
  readonly most: Usage;
}

/** What a service is asked about. */
export interface Inquiry {
  /** A question whose answer nobody doubts: it proves the key, the model and the form before the work, and ends an outage. */
  readonly proof: (form: AnswerForm) => Question;
  /** The forms it may have, the best first. */
  readonly forms: readonly [AnswerForm, ...AnswerForm[]];
  /** The number in an answer; undefined when there is none. */
  readonly read: (answer: string) => number | undefined;
  /** What an answer gives, e.g. `verdict`, for messages. */
  readonly gives: string;
}

export interface OpenOptions {
  /** Ends all waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Where a pause is told of. */
  readonly notice?: (text: string) => void;
  /** Milliseconds between tries. */
  readonly waits?: Waits;
}

/** A number, or how a request ended without one. */
type Reply =
  | { readonly kind: "scored"; readonly score: number }
  | { readonly kind: "nonsense"; readonly reason: string }
  | Exclude<Outcome, { kind: "answered" }>;

export class Service {
  #form: AnswerForm;
  readonly #settings: OpenAISettings;
  readonly #inquiry: Inquiry;
  readonly #endpoint: Endpoint;
  readonly #cache: AnswerCache;
  readonly #ledger: Ledger;
  readonly #limit: Limit;
  /** Milliseconds. */
  readonly #patience: number;
  readonly #breaker: Breaker;
  readonly #options: OpenOptions & { readonly waits: Waits; readonly notice: (text: string) => void };
  /** Requests under way by their name: the same question is asked once. */
  readonly #asked = new Map<string, Promise<Score>>();

  private constructor(settings: OpenAISettings, key: string, inquiry: Inquiry, options: OpenOptions) {
    this.#settings = settings;
    this.#inquiry = inquiry;
    this.#form = inquiry.forms[0];
    this.#options = { waits: { first: 1000, longest: 60_000 }, notice: (text) => console.error(text), ...options };
    this.#endpoint = new Endpoint(settings, key);
    this.#cache = new AnswerCache(settings.cache);
    this.#ledger = new Ledger(settings.ledger ?? join(settings.cache, "ledger.jsonl"), settings);
    this.#patience = settings.patience * 1000;
    this.#limit = new Limit(settings.concurrency);
    this.#breaker = new Breaker({
      probe: () => this.#probe(),
      patience: this.#patience,
      waits: this.#options.waits,
      signal: options.signal,
      onChange: (fault) =>
        this.#options.notice(fault ? `The judge does not answer, waiting: ${fault}` : "The judge answers again."),
    });
  }

  /**
   * Finds the key and asks one question, by which an endpoint is recognised that does not take the best form.
   * @throws UserError when there is no key, it is refused, or the endpoint does not answer; nothing has then been asked
   */
  static async open(settings: OpenAISettings, inquiry: Inquiry, options: OpenOptions = {}): Promise<Service> {
    const variable = settings.key_env ?? (settings.api_version ? "AZURE_OPENAI_API_KEY" : "OPENAI_API_KEY");
    const key = keyIn(variable, settings.model);
    if (settings.base_url.split("/").includes(key))
      throw new UserError(
        `The judge's base_url has the key of ${variable} in it, and addresses are printed and written down.`,
        "Use an address without it.",
      );
    const service = new Service(settings, key, inquiry, options);
    await service.#prove();
    return service;
  }

  /** The form that the endpoint takes. */
  get form(): AnswerForm {
    return this.#form;
  }

  /** All that decides its answers. `instruction`: SHA-256, hex, of what is said around a question. */
  described(instruction: string): JudgeService {
    const { model, api_version } = this.#settings;
    return { model, base_url: this.#endpoint.base, ...(api_version && { api_version }), form: this.#form, instruction };
  }

  /** What has been spent since it was opened. */
  spent(): Cost {
    return this.#ledger.spent;
  }

  /** The number that the answer gives, or why there is none. @throws Interrupted when the service or the budget ends the work */
  async ask(question: Question): Promise<Score> {
    const name = nameOf(this.#endpoint.url, question.body);
    const asked = this.#asked.get(name);
    if (asked) return await asked;
    const score = this.#limit.run(() => this.#score(name, question)).finally(() => this.#asked.delete(name));
    this.#asked.set(name, score);
    return await score;
  }

  async #score(name: string, question: Question): Promise<Score> {
    const known = await this.#cache.get(name);
    if (known !== undefined) return known;
    const score = await this.#insist(question);
    if (isScored(score)) await this.#cache.put(name, score);
    return score;
  }

  async #insist(question: Question): Promise<Score> {
    for (let failures = 0; ; ) {
      // What failed in an outage was not the request's fault.
      if (await this.#breaker.pass()) failures = 0;
      const reply = await this.#exchange(question);
      if (reply.kind === "scored") return reply.score;
      if (reply.kind === "declined") return { unscored: reply.reason };
      if (reply.kind === "rejected") {
        if (await this.#breaker.isWell()) return { unscored: reply.reason };
        failures = 0;
        continue;
      }
      const wait = this.#waitAfter(reply, failures++);
      if (reply.kind !== "refused" && failures < TRIES && wait <= this.#patience) {
        await pause(wait, this.#options.signal);
      } else if (reply.kind === "nonsense" || (await this.#breaker.isWell())) {
        return { unscored: reply.reason };
      } else failures = 0;
    }
  }

  /** Milliseconds until the next try: as the endpoint asks, and longer after each failure. */
  #waitAfter(reply: Reply, failures: number): number {
    return Math.max(askedWait(reply), backoff(this.#options.waits, failures));
  }

  /** One request, entered in the ledger before and after. */
  async #exchange({ body, most }: Question): Promise<Reply> {
    // What was waiting its turn is not sent any more, and so not to be paid for.
    this.#options.signal?.throwIfAborted();
    const settle = await this.#ledger.reserve(most).catch((error: unknown) => {
      throw error instanceof Interrupted ? this.#breaker.stop(error) : error;
    });
    let outcome: Outcome | undefined;
    try {
      outcome = await this.#endpoint.ask(body, this.#options.signal);
    } finally {
      settle(outcome?.usage);
    }
    if (outcome.kind !== "answered") return outcome;
    const score = this.#inquiry.read(outcome.text);
    if (score !== undefined) return { kind: "scored", score };
    const { gives } = this.#inquiry;
    const said = JSON.stringify(this.#endpoint.masked(outcome.text).slice(0, 200));
    const { usage } = outcome;
    // The same question would be cut at the same place.
    if (outcome.cut) {
      const reason = `the judge's answer was cut at ${most.output} tokens, before its ${gives}: ${said}; let it write more by openai.request, e.g. {max_tokens: 2000}`;
      return { kind: "declined", reason, usage };
    }
    return { kind: "nonsense", reason: `the judge's answer is not a ${gives}: ${said}` };
  }

  /** Whether the endpoint answers what it is known to be able to answer. */
  async #probe(): Promise<Fault | undefined> {
    const reply = await this.#exchange(this.#inquiry.proof(this.#form));
    if (reply.kind === "scored" || reply.kind === "nonsense") return undefined;
    const final = reply.kind !== "failed";
    const reason = final
      ? `${this.#name} no longer takes what it took (${reply.reason}).\n  Check the key, the account's credit and the model.`
      : `${this.#name} has stopped answering (${reply.reason}).`;
    return { reason, after: askedWait(reply), final };
  }

  get #name(): string {
    return `The judge ${this.#settings.model} at ${this.#endpoint.url}`;
  }

  async #prove(): Promise<void> {
    const { gives, proof, forms } = this.#inquiry;
    const who = this.#name;
    for (let tries = 1; ; tries++) {
      const reply = await this.#exchange(proof(this.#form));
      if (reply.kind === "scored") return;
      const wait = this.#waitAfter(reply, tries - 1);
      const next = forms[forms.indexOf(this.#form) + 1];
      const isFinal = reply.kind === "declined" || reply.kind === "rejected";
      if (isFinal && next && /response_format|schema/i.test(reply.reason)) {
        this.#form = next;
        this.#options.notice(`${who} takes no JSON schema (${reply.reason}); its ${gives}s are read from its words.`);
      } else if (reply.kind === "refused") {
        throw new UserError(
          `${who} refuses: ${reply.reason}`,
          "Check the key in the environment, the account's credit, the model's name and base_url; nothing was started.",
        );
      } else if (isFinal || tries >= TRIES || wait > this.#patience) {
        const unwanted = ["max_tokens", "temperature"].filter((key) => reply.reason.includes(key));
        const advice = unwanted.map((key) =>
          key === "max_tokens" ? "max_tokens: null, max_completion_tokens: 2000" : `${key}: null`,
        );
        throw new UserError(
          `${who} gives no ${gives} on a plain question: ${reply.reason}`,
          isFinal && unwanted.length > 0
            ? `Change the request by openai.request, e.g. {${advice.join(", ")}}; nothing was started.`
            : "Check the key, base_url and the model, or try again later; nothing was started.",
        );
      } else {
        await pause(wait, this.#options.signal);
      }
    }
  }
}

/** Milliseconds that the endpoint asks to wait. */
function askedWait(reply: Reply): number {
  return reply.kind === "failed" ? reply.after : 0;
}

/** The key in an environment variable. @throws UserError when there is none, or it cannot be a key; it is never shown */
function keyIn(variable: string, model: string): string {
  const key = (process.env[variable] ?? "").trim();
  if (key === "")
    throw new UserError(
      `The judge ${model} has no key: the environment variable ${variable} is not set.`,
      "Set it (to any word if the endpoint needs none), or use the judge exact, which asks no service.",
      "openai.key_env",
    );
  if (!/^[!-~]+$/.test(key))
    throw new UserError(
      `The environment variable ${variable} holds no key: it has a space, a line end or another character that no key has.`,
      "Copy the key again, without anything around it.",
      "openai.key_env",
    );
  return key;
}
