/** @file The chains of the steps of a run: what lists and filters need of each, and whole chains by range. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isWellFormed } from "../chain/parse.ts";
import { taskOf } from "../data/samples.ts";
import { Lru } from "../prompt/lru.ts";
import { type RolloutLine, rolloutSchema } from "../run/lines.ts";
import { type ChainFilter, isWanted } from "./chain-filter.ts";
import { IndexedLines } from "./indexed-lines.ts";
import { parseLine } from "./parse-line.ts";
import type { ChainFact, ChainLine, FoundStep, StepChains } from "./studio-data.ts";

/** Steps whose index is kept. */
const KEPT = 24;
/** Milliseconds that a search may take before it says how far it came. */
const PATIENCE = 200;

interface Remembered {
  readonly fact: ChainFact;
  /** Question and chain in small letters, for the search. */
  readonly words: string;
}

/** The rollouts of one run. */
export class StepRollouts {
  readonly #folder: string;
  readonly #indices = new Lru<IndexedLines<Remembered>>(KEPT, () => 1);

  constructor(run: string) {
    this.#folder = join(run, "rollouts");
  }

  /** Steps whose rollouts are on disk, ascending. */
  async steps(): Promise<number[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const digits = names.flatMap((name) => /^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? []);
    return digits.map(Number).sort((a, b) => a - b);
  }

  /** The wanted chains of a step, in the order of the file. */
  async chains(step: number, filter: ChainFilter = {}): Promise<StepChains> {
    const { facts } = await this.#index(step);
    return {
      step,
      chains: facts.flatMap((fact) => (fact && isMatch(fact, filter) ? [fact.fact] : [])),
      damaged: facts.flatMap((fact, i) => (fact ? [] : [i + 1])),
    };
  }

  /** Whole chains by their lines; those that are damaged or not there are left out. */
  async read(step: number, lines: readonly number[]): Promise<ChainLine[]> {
    const index = await this.#index(step);
    const texts = await index.read(lines);
    return texts.flatMap((text, i) => {
      const chain = text === undefined ? undefined : parseLine(text, rolloutSchema);
      return chain ? [{ ...chain, line: lines[i]! }] : [];
    });
  }

  /** The next step after `from` (or before it) that has a wanted chain. Gives up after a moment and says how far it came. */
  async find(from: number, direction: 1 | -1, filter: ChainFilter): Promise<FoundStep> {
    const all = await this.steps();
    const ahead = direction > 0 ? all.filter((step) => step > from) : all.filter((step) => step < from).reverse();
    const until = performance.now() + PATIENCE;
    let searchedTo = from;
    for (const step of ahead) {
      const { chains } = await this.chains(step, filter);
      if (chains.length > 0) return { found: step, searchedTo: step, atEnd: false };
      searchedTo = step;
      if (performance.now() > until) break;
    }
    return { found: null, searchedTo, atEnd: searchedTo === (ahead.at(-1) ?? from) };
  }

  async #index(step: number): Promise<IndexedLines<Remembered>> {
    const name = `step-${String(step).padStart(6, "0")}.jsonl`;
    const index = this.#indices.get(name) ?? new IndexedLines(join(this.#folder, name), remember);
    this.#indices.set(name, index);
    await index.refresh();
    return index;
  }
}

function isMatch({ fact, words }: Remembered, filter: ChainFilter): boolean {
  return isWanted(fact, filter) && (filter.words === undefined || words.includes(filter.words.toLowerCase()));
}

function remember(text: string, line: number): Remembered | undefined {
  const chain = parseLine(text, rolloutSchema);
  if (!chain) return undefined;
  const { group, id, dataset, question, image, total, advantage } = chain;
  const fact: ChainFact = {
    line,
    group,
    id,
    dataset,
    task: taskOf(dataset),
    question,
    image,
    total: typeof total === "number" ? total : null,
    advantage,
    right: isRight(chain),
    wellFormed: isWellFormed(chain.text),
  };
  return { fact, words: `${question}\n${chain.text}`.toLowerCase() };
}

/** Whether the answer's term has its full marks, by which the accuracy of a step is counted too. */
function isRight({ terms }: RolloutLine): boolean | null {
  const { answer } = terms;
  return typeof answer === "number" ? answer >= 1 : null;
}
