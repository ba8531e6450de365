/**
 * @file Shows how far long work has come and how long it will still take: one live line on a terminal, elsewhere a plain line
 * now and then. The time left is that of all stages together.
 */

import { duration } from "./quantities.ts";

/** What `Progress` writes to: standard error, or a stand-in. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A stretch of the work whose units take about as long as each other. */
export interface Stage {
  /** Leads the line, e.g. `train`. */
  readonly label: string;
  /** How many units of work there are. */
  readonly total: number;
  /** Units done before this process began, by a run that is resumed; they do not count for the rate. */
  readonly done?: number;
  /** How long a unit is expected to take, relative to the units of the other stages. Measured times soon outweigh it. */
  readonly weight?: number;
}

export interface ProgressOptions {
  /** How a number of units is written: as a whole number, unless told otherwise. */
  readonly unit?: (value: number) => string;
  readonly output?: Output;
  /** Milliseconds; the clock. */
  readonly now?: () => number;
}

/** Milliseconds between two lines: a live one may be redrawn often, a plain one is read in a log. */
const LIVE = 100;
const PLAIN = 10_000;

/** The expected time of a unit counts as much as having measured this share of its stage. */
const TRUST = 0.05;

interface Counted extends Required<Omit<Stage, "done" | "total">> {
  total: number;
  done: number;
  /** Units done by now, and the milliseconds that those of this process took. */
  finished: number;
  spent: number;
}

/** Shows work done of a total, with the time left at the rates measured so far. Stages may take turns. */
export class Progress {
  readonly #stages: readonly Counted[];
  readonly #unit: (value: number) => string;
  readonly #output: Output;
  readonly #now: () => number;
  readonly #start: number;
  /** When time was last charged to a stage. */
  #mark: number;
  #current: Counted;
  #shown = Number.NEGATIVE_INFINITY;

  /** Shows the first line, and begins with the first stage. */
  constructor(stages: Stage | readonly [Stage, ...Stage[]], options: ProgressOptions = {}) {
    const {
      unit = (value) => String(Math.floor(value)),
      output = process.stderr,
      now = () => performance.now(),
    } = options;
    const list: readonly Stage[] = "label" in stages ? [stages] : stages;
    this.#stages = list.map(({ done = 0, weight = 1, ...stage }) => ({
      ...stage,
      done,
      weight,
      finished: done,
      spent: 0,
    }));
    this.#current = this.#stages[0]!;
    this.#unit = unit;
    this.#output = output;
    this.#now = now;
    this.#start = now();
    this.#mark = this.#start;
    this.#line("", this.#start);
  }

  /**
   * Continues with the stage of that label; `finished` says how many units the one it leaves has done. A stage shows its line
   * at once when it begins, but not each time it continues.
   */
  enter(label: string, finished?: number): void {
    const stage = this.#stage(label);
    if (stage === this.#current) return;
    this.#charge();
    if (finished !== undefined) this.#current.finished = finished;
    this.#current = stage;
    if (stage.finished === stage.done && stage.spent === 0) this.#line("", this.#mark);
  }

  /** Corrects the total of a stage. */
  expect(label: string, total: number): void {
    this.#stage(label).total = total;
  }

  /** Counts units of the current stage as done, but not by this process. */
  skip(units: number): void {
    this.#charge();
    this.#current.done += units;
    this.#current.finished += units;
  }

  /** `done` units of the current stage are finished, fractions included; `note` follows the numbers on the line. */
  update(done: number, note = ""): void {
    this.#charge();
    this.#current.finished = Math.min(done, this.#current.total);
    const due = this.#mark - this.#shown >= (this.#output.isTTY ? LIVE : PLAIN);
    if (due || done >= this.#current.total) this.#line(note, this.#mark);
  }

  /** Prints a text that stays, above the line. */
  note(text: string): void {
    this.#output.write(this.#output.isTTY ? `\r\x1b[2K${text}\n` : `${text}\n`);
  }

  /** Ends the line; `text` takes its place. */
  finish(text?: string): void {
    if (text !== undefined) this.#show(text);
    if (this.#output.isTTY) this.#output.write("\n");
  }

  #stage(label: string): Counted {
    const stage = this.#stages.find((each) => each.label === label);
    if (!stage) throw new Error(`There is no stage ${label}.`);
    return stage;
  }

  /** Milliseconds that all stages will still take; undefined before anything is measured. */
  #left(): number | undefined {
    const own = ({ finished, done }: Counted) => finished - done;
    const sum = (value: (stage: Counted) => number) => this.#stages.reduce((total, stage) => total + value(stage), 0);
    const measured = sum((stage) => own(stage) * stage.weight);
    if (measured <= 0) return undefined;
    const pace = sum((stage) => (own(stage) > 0 ? stage.spent : 0)) / measured;
    return sum((stage) => {
      const trust = TRUST * stage.total;
      const perUnit = (stage.spent + trust * stage.weight * pace) / (own(stage) + trust);
      return stage.total > stage.finished ? (stage.total - stage.finished) * perUnit : 0;
    });
  }

  #charge(): void {
    const now = this.#now();
    this.#current.spent += now - this.#mark;
    this.#mark = now;
  }

  #line(note: string, now: number): void {
    this.#shown = now;
    const { label, finished, total } = this.#current;
    const come = `${label} ${this.#unit(finished)}/${this.#unit(total)}`;
    this.#show([come, this.#timing(now), note].filter(Boolean).join("  "));
  }

  #timing(now: number): string {
    if (this.#stages.every(({ finished, total }) => finished >= total)) {
      return `in ${duration((now - this.#start) / 1000)}`;
    }
    const left = this.#left();
    if (left === undefined) return "";
    return `${duration(Math.max(1, left / 1000))} left${this.#stages.length > 1 ? " in all" : ""}`;
  }

  #show(text: string): void {
    if (!this.#output.isTTY) this.#output.write(`${text}\n`);
    // Erase the line first; one column stays free, or some terminals would wrap.
    else this.#output.write(`\r\x1b[2K${text.slice(0, (this.#output.columns ?? 80) - 1)}`);
  }
}
