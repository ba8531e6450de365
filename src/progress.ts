/** @file How far long work has come: one live line on a terminal, elsewhere a plain line now and then. */

/** What `Progress` writes to: standard error, or a stand-in. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Leads the line, e.g. `train`. */
  readonly label: string;
  /** How many units of work there are. */
  readonly total: number;
  /** Units done before this process began, by a run that is resumed; they do not count for the rate. */
  readonly done?: number;
  /** How a number of units is written: as it is, unless told otherwise. */
  readonly unit?: (value: number) => string;
  readonly output?: Output;
  /** Milliseconds; the clock. */
  readonly now?: () => number;
}

/** Milliseconds between two lines: a live one may be redrawn often, a plain one is read in a log. */
const LIVE = 100;
const PLAIN = 10_000;

/** Shows work done of a total, with the time left at the rate measured so far. */
export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #from: number;
  readonly #unit: (value: number) => string;
  readonly #output: Output;
  readonly #now: () => number;
  readonly #start: number;
  #shown = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressOptions) {
    const { label, total, done = 0, unit = String, output = process.stderr, now = () => performance.now() } = options;
    this.#label = label;
    this.#total = total;
    this.#from = done;
    this.#unit = unit;
    this.#output = output;
    this.#now = now;
    this.#start = now();
  }

  /** `done` units of the total are finished; `note` says what is worth seeing of the last one. */
  update(done: number, note = ""): void {
    const now = this.#now();
    if (done < this.#total && now - this.#shown < (this.#output.isTTY ? LIVE : PLAIN)) return;
    this.#shown = now;
    const come = `${this.#label} ${this.#unit(done)}/${this.#unit(this.#total)}`;
    this.#show([come, this.#timing(done, now), note].filter(Boolean).join("  "));
  }

  /** Ends the line; `text` takes its place. */
  finish(text?: string): void {
    if (text !== undefined) this.#show(text);
    if (this.#output.isTTY) this.#output.write("\n");
  }

  #timing(done: number, now: number): string {
    const elapsed = now - this.#start;
    const finished = done - this.#from;
    if (done >= this.#total) return `in ${duration(elapsed / 1000)}`;
    if (finished <= 0) return "";
    return `${duration(((elapsed / finished) * (this.#total - done)) / 1000)} left`;
  }

  #show(text: string): void {
    if (!this.#output.isTTY) this.#output.write(`${text}\n`);
    // Erase the line first; one column stays free, or some terminals would wrap.
    else this.#output.write(`\r\x1b[2K${text.slice(0, (this.#output.columns ?? 80) - 1)}`);
  }
}

/** Seconds for a reader: `8 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes for a reader, in powers of a thousand: `0 B`, `812 kB`, `7.51 GB`. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  // Rounded first, so that 999,999 bytes are 1.00 MB.
  const power = Math.min(Math.floor(Math.log10(Math.max(Number(count.toPrecision(3)), 1)) / 3), units.length - 1);
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}
