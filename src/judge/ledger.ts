/**
 * @file The ledger: what was asked of a judge and what it cost, one line before each request and one after. The line
 * before reserves the most that the request can cost, so the file never comes to less than what is owed, whoever else
 * writes to it and whenever a process dies: a request without a second line counts as its reservation.
 *
 *     {"id":"…","at":"2026-01-31T12:00:00.000Z","model":"gpt-4o-2024-11-20","reserved":{"input":1180,"output":64,"usd":0.00359}}
 *     {"id":"…","at":"2026-01-31T12:00:00.700Z","model":"gpt-4o-2024-11-20","input":182,"output":7,"usd":0.000525}
 *
 * `estimated: true` marks a line whose tokens nobody counted: the reservation stands for them. `unsent: true` takes a
 * reservation back. Without a price no line has `usd`.
 */

import { randomUUID } from "node:crypto";
import { fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { OpenAISettings } from "../config/judge-settings.ts";
import { Interrupted, messageOf, UserError } from "../util/errors.ts";
import type { Usage } from "./endpoint.ts";
import type { Cost } from "./judge.ts";

/** What a line says of a request: what is reserved for it, or what it came to. */
type Entry = { readonly reserved: Cost } | ({ readonly reserved?: never } & Cost & Remark);

interface Remark {
  readonly estimated?: boolean;
  readonly unsent?: boolean;
}

export class Ledger {
  readonly path: string;
  readonly #settings: Pick<OpenAISettings, "model" | "price" | "budget">;
  readonly #file: number;
  /** What each request has come to so far, and what all have. */
  readonly #amounts = new Map<string, Cost>();
  #totals: Required<Cost> = { input: 0, output: 0, usd: 0 };
  #spent: Usage = { input: 0, output: 0 };
  #bytesRead = 0;
  #ownOpen = 0;
  readonly #waiting: (() => void)[] = [];

  /** Opens the file, or begins it. @throws UserError when it cannot be written */
  constructor(path: string, settings: Pick<OpenAISettings, "model" | "price" | "budget">) {
    this.path = path;
    this.#settings = settings;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#file = openSync(path, "a+");
    } catch (error) {
      throw cannotWrite(path, error);
    }
    const { size } = fstatSync(this.#file);
    // A crash may have torn the last line; the next one must not become part of it.
    if (size > 0 && this.#bytes(size - 1, 1)[0] !== 10) this.#write("\n");
  }

  /**
   * Enters the most that a request can cost; gives the function that enters what it did cost, `undefined` for unknown.
   * Waits while only requests of this process that are under way stand between it and the budget.
   * @throws Interrupted when the budget has no room for it
   */
  async reserve(most: Usage): Promise<(usage: Usage | undefined) => void> {
    const { budget = Number.POSITIVE_INFINITY } = this.#settings;
    const reserved = this.#priced(most);
    for (;;) {
      if (this.totals().usd + (reserved.usd ?? 0) <= budget) {
        const id = randomUUID();
        this.#enter(id, { reserved });
        // Another process may have reserved in between.
        if (this.totals().usd <= budget) return this.#settlement(id, reserved);
        this.#enter(id, { ...this.#priced({ input: 0, output: 0 }), unsent: true });
      }
      if (this.#ownOpen === 0) {
        throw new Interrupted(
          `The judge's budget of $${budget} has no room for another request: ${this.path} comes to $${this.totals().usd.toFixed(4)}.\n` +
            "  Raise openai.budget or name another openai.ledger of the judge; verdicts so far are in its cache.",
        );
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What all lines come to, those of other processes too. */
  totals(): Required<Cost> {
    const bytes = this.#bytes(this.#bytesRead, fstatSync(this.#file).size - this.#bytesRead);
    const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
    this.#bytesRead += whole.length;
    for (const text of whole.toString("utf8").split("\n")) this.#count(text);
    return this.#totals;
  }

  /** What the requests that were entered by this object have come to. */
  get spent(): Cost {
    return this.#priced(this.#spent);
  }

  #count(text: string): void {
    let line: { readonly id: string } & Entry;
    try {
      line = JSON.parse(text) as typeof line;
    } catch {
      return; // An end of file, or a line torn by a crash: what it was to announce had not been done.
    }
    const before = this.#amounts.get(line.id);
    const now = line.reserved ?? line;
    this.#amounts.set(line.id, now);
    const { input, output, usd } = this.#totals;
    this.#totals = {
      input: input + now.input - (before?.input ?? 0),
      output: output + now.output - (before?.output ?? 0),
      usd: usd + (now.usd ?? 0) - (before?.usd ?? 0),
    };
  }

  #settlement(id: string, reserved: Cost): (usage: Usage | undefined) => void {
    this.#ownOpen++;
    return (usage) => {
      this.#ownOpen--;
      const { input, output } = usage ?? reserved;
      this.#spent = { input: this.#spent.input + input, output: this.#spent.output + output };
      this.#enter(id, usage ? this.#priced(usage) : { ...reserved, estimated: true });
      for (const resume of this.#waiting.splice(0)) resume();
    };
  }

  #priced({ input, output }: Usage): Cost {
    const { price } = this.#settings;
    return { input, output, ...(price && { usd: (input * price.input + output * price.output) / 1e6 }) };
  }

  #enter(id: string, entry: Entry): void {
    this.#write(`${JSON.stringify({ id, at: new Date().toISOString(), model: this.#settings.model, ...entry })}\n`);
  }

  /** One write in append mode: lines of several processes do not mix. */
  #write(text: string): void {
    try {
      writeSync(this.#file, text);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  #bytes(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#file, bytes, 0, length, from));
  }
}

function cannotWrite(path: string, error: unknown): UserError {
  return new UserError(
    `${path} cannot be written (${messageOf(error)}).`,
    "Check the judge's openai.ledger.",
    "openai.ledger",
  );
}
