/**
 * @file The judge `openai`: a language model behind any OpenAI-compatible endpoint, or Azure, asked as the paper asked its
 * judge. A question is answered from the cache or by one request; a request that fails is tried again; one that goes on
 * failing while others are answered is unscored; and when none is answered the work waits, and then stops to be resumed.
 */

import { join } from "node:path";
import { Interrupted, UserError } from "../errors.ts";
import type { OpenAISettings } from "../judge_settings.ts";
import { isScored, type Score } from "../records.ts";
import type { Cost, Judge, JudgeRequest, JudgeService } from "../rewards/judge.ts";
import { Breaker, backoff, type Fault, pause, type Waits } from "./breaker.ts";
import { nameOf, VerdictCache } from "./cache.ts";
import { Endpoint, type Outcome } from "./endpoint.ts";
import { Ledger } from "./ledger.ts";
import { Limit } from "./limit.ts";
import { type AnswerForm, instructionHash, MAX_TOKENS, readVerdict, requestBody } from "./verdict.ts";

/** Tries before a request is given up. */
const TRIES = 4;
/** A question whose verdict nobody doubts: it proves the key, the model and the form before the work, and ends an outage. */
const PROBE: JudgeRequest = { question: "How many legs does a dog have?", answer: "4", response: "four" };

export interface OpenOptions {
  /** Ends all waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Where a pause is told of. */
  readonly notice?: (text: string) => void;
  /** Milliseconds between tries. */
  readonly waits?: Waits;
}

/** A verdict, or how a request ended without one. */
type Verdict =
  | { readonly kind: "scored"; readonly score: number }
  | { readonly kind: "nonsense"; readonly reason: string }
  | Exclude<Outcome, { kind: "answered" }>;

export class OpenAIJudge implements Judge {
  readonly name = "openai";
  readonly #settings: OpenAISettings;
  readonly #endpoint: Endpoint;
  readonly #cache: VerdictCache;
  readonly #ledger: Ledger;
  readonly #limit: Limit;
  /** Milliseconds. */
  readonly #patience: number;
  readonly #breaker: Breaker;
  readonly #options: OpenOptions & { readonly waits: Waits; readonly notice: (text: string) => void };
  /** Requests under way by their name: the same answer to the same question is asked once. */
  readonly #asked = new Map<string, Promise<Score>>();
  #form: AnswerForm = "json_schema";

  private constructor(settings: OpenAISettings, key: string, options: OpenOptions) {
    this.#settings = settings;
    this.#options = { waits: { first: 1000, longest: 60_000 }, notice: (text) => console.error(text), ...options };
    this.#endpoint = new Endpoint(settings, key);
    this.#cache = new VerdictCache(settings.cache);
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
   * Finds the key and asks one question, by which an endpoint is recognised that takes no JSON schema: its verdicts are
   * then asked for and read by the instruction's words alone.
   * @throws UserError when there is no key, it is refused, or the endpoint does not answer; nothing has then been judged
   */
  static async open(settings: OpenAISettings, options: OpenOptions = {}): Promise<OpenAIJudge> {
    const variable = settings.key_env ?? (settings.api_version ? "AZURE_OPENAI_API_KEY" : "OPENAI_API_KEY");
    const key = process.env[variable];
    if (!key) {
      throw new UserError(
        `The judge ${settings.model} has no key: the environment variable ${variable} is not set.`,
        "Set it, to any word for an endpoint that wants none; or use the judge exact, which asks nobody.",
      );
    }
    const judge = new OpenAIJudge(settings, key, options);
    await judge.#prove();
    return judge;
  }

  get service(): JudgeService {
    const { model, api_version } = this.#settings;
    return {
      model,
      base_url: this.#endpoint.base,
      ...(api_version && { api_version }),
      form: this.#form,
      instruction: instructionHash(this.#form),
    };
  }

  spent(): Cost {
    return this.#ledger.spent;
  }

  async judge(request: JudgeRequest): Promise<Score> {
    const body = requestBody(this.#settings.model, request, this.#form);
    const name = nameOf(this.#endpoint.url, body);
    const asked = this.#asked.get(name);
    if (asked) return await asked;
    const score = this.#limit.run(() => this.#score(name, body)).finally(() => this.#asked.delete(name));
    this.#asked.set(name, score);
    return await score;
  }

  async #score(name: string, body: string): Promise<Score> {
    const known = await this.#cache.get(name);
    if (known !== undefined) return known;
    const score = await this.#ask(body);
    if (isScored(score)) await this.#cache.put(name, score);
    return score;
  }

  async #ask(body: string): Promise<Score> {
    for (let failures = 0; ; ) {
      // What failed in an outage was not the request's fault.
      if (await this.#breaker.pass()) failures = 0;
      const verdict = await this.#exchange(body);
      if (verdict.kind === "scored") return verdict.score;
      if (verdict.kind === "declined") return { unscored: verdict.reason };
      const wait = this.#waitAfter(verdict, failures++);
      if (verdict.kind !== "refused" && failures < TRIES && wait <= this.#patience) {
        await pause(wait, this.#options.signal);
      } else if (verdict.kind === "nonsense" || (await this.#breaker.isWell())) {
        return { unscored: verdict.reason };
      } else failures = 0;
    }
  }

  /** Milliseconds until the next try: as the endpoint asks, and longer after each failure. */
  #waitAfter(verdict: Verdict, failures: number): number {
    return Math.max(askedWait(verdict), backoff(this.#options.waits, failures));
  }

  /** One request, entered in the ledger before and after. */
  async #exchange(body: string): Promise<Verdict> {
    // What was waiting its turn is not sent any more, and so not to be paid for.
    this.#options.signal?.throwIfAborted();
    // No token is shorter than a byte.
    const most = { input: Buffer.byteLength(body), output: MAX_TOKENS };
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
    const score = readVerdict(outcome.text);
    if (score !== undefined) return { kind: "scored", score };
    return {
      kind: "nonsense",
      reason: `the judge's answer is no verdict: ${JSON.stringify(outcome.text.slice(0, 200))}`,
    };
  }

  /** Whether the endpoint answers what it is known to be able to answer. */
  async #probe(): Promise<Fault | undefined> {
    const verdict = await this.#exchange(requestBody(this.#settings.model, PROBE, this.#form));
    if (verdict.kind === "scored" || verdict.kind === "nonsense") return undefined;
    const reason = `The judge ${this.#settings.model} at ${this.#endpoint.url} has stopped answering (${verdict.reason}).`;
    return { reason, after: askedWait(verdict), final: verdict.kind !== "failed" };
  }

  async #prove(): Promise<void> {
    const { model } = this.#settings;
    const who = `The judge ${model} at ${this.#endpoint.url}`;
    for (let tries = 1; ; tries++) {
      const verdict = await this.#exchange(requestBody(model, PROBE, this.#form));
      if (verdict.kind === "scored") return;
      const wait = this.#waitAfter(verdict, tries - 1);
      if (
        verdict.kind === "declined" &&
        this.#form === "json_schema" &&
        /response_format|schema/i.test(verdict.reason)
      ) {
        this.#form = "text";
        this.#options.notice(`${who} takes no JSON schema (${verdict.reason}); its verdicts are read from its words.`);
      } else if (verdict.kind === "refused") {
        throw new UserError(
          `${who} refuses: ${verdict.reason}`,
          "Check the key in the environment, the model's name and base_url; nothing was started.",
        );
      } else if (verdict.kind === "declined" || tries >= TRIES || wait > this.#patience) {
        throw new UserError(
          `${who} gives no verdict on a plain question: ${verdict.reason}`,
          "Check base_url and the model, or try again later; nothing was started.",
        );
      } else {
        await pause(wait, this.#options.signal);
      }
    }
  }
}

/** Milliseconds that the endpoint asks to wait. */
function askedWait(verdict: Verdict): number {
  return verdict.kind === "failed" ? verdict.after : 0;
}
