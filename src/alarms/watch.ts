/**
 * @file Watches the steps of a training and says which alarms ring after each. All it knows is in the lines of `metrics.jsonl`, so a
 * run that is resumed goes on watching as if it had never been broken off.
 */
import type { Alarm, Metrics, MetricsLine } from "../run/lines.ts";
import { repeatedBoxes, wholeImageBoxes } from "./box-rules.ts";
import { silentGroups } from "./group-rules.ts";
import { driftingJudge, unscoredChains } from "./judge-rules.ts";
import { runawayKl } from "./kl-rule.ts";
import { cutOff, strangeLength } from "./length-rules.ts";
import { opposedTerms } from "./opposed-terms.ts";
import { answerAgainstRethink } from "./rethink-rule.ts";
import type { Rule } from "./rule.ts";
import { skippedUpdates } from "./skipped-rule.ts";

/** Steps that a rule looks at, and first steps that it compares them with: a single step says little. */
const WINDOW = 8;
const FIRST = 4;

const RULES: readonly Rule[] = [
  silentGroups,
  runawayKl,
  strangeLength,
  cutOff,
  repeatedBoxes,
  wholeImageBoxes,
  answerAgainstRethink,
  driftingJudge,
  unscoredChains,
  opposedTerms,
  skippedUpdates,
];

/** Rules that weigh counts by their standard errors: half a window is enough for them where it is sure. */
const QUICK: ReadonlySet<Rule> = new Set([driftingJudge]);

export class Watch {
  #first: readonly Metrics[] = [];
  #recent: readonly Metrics[] = [];
  #steps = 0;

  /** Goes on after the lines of a run so far. */
  constructor(past: readonly Metrics[] = []) {
    for (const line of past) this.#see(line);
  }

  /** The line of the next step with the alarms that ring after it. */
  after<L extends MetricsLine>(line: L): L {
    // An alarm that is silent for less than a window goes on: it is not another one.
    const rang = new Map(this.#recent.flatMap(({ alarms = [] }) => alarms.map(({ name, since }) => [name, since])));
    this.#see(line);
    const alarms = this.#symptoms().map(
      ({ name, ...symptom }): Alarm => ({ name, since: rang.get(name) ?? line.step, ...symptom }),
    );
    if (alarms.length === 0) return line;
    const ringing = { ...line, alarms };
    this.#recent = [...this.#recent.slice(0, -1), ringing];
    return ringing;
  }

  #see(line: Metrics): void {
    this.#steps++;
    if (this.#first.length < FIRST) this.#first = [...this.#first, line];
    this.#recent = [...this.#recent, line].slice(-WINDOW);
  }

  #symptoms() {
    if (this.#steps < WINDOW) return [];
    const history = { first: this.#steps < FIRST + WINDOW ? [] : this.#first, recent: this.#recent };
    const half = { first: this.#first, recent: this.#recent.slice(-FIRST) };
    return RULES.flatMap((rule) => rule(history) ?? (QUICK.has(rule) ? rule(half) : undefined) ?? []);
  }
}

/** The alarms of a line that began with its step. */
export function begun({ step, alarms = [] }: Metrics): Alarm[] {
  return alarms.filter(({ since }) => since === step);
}
