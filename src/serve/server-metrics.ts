/** @file Counts what a server does, and writes it in the text format of Prometheus. */

/** Upper ends of the histograms' buckets, in seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

const HISTOGRAMS = {
  queue_seconds: "From a completion's request to its turn.",
  first_token_seconds: "From a completion's turn to its first token.",
  request_seconds: "From a request for a chat completion to the end of its answer.",
} as const;

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

export class ServerMetrics {
  /** By path and status. */
  readonly #requests = new Map<string, number>();
  readonly #tokens = { prompt: 0, completion: 0 };
  readonly #histograms = new Map<keyof typeof HISTOGRAMS, Histogram>();

  /** A request was answered. `path` must be one of few. */
  request(path: string, status: number): void {
    const labels = `path="${path}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  tokens(prompt: number, completion: number): void {
    this.#tokens.prompt += prompt;
    this.#tokens.completion += completion;
  }

  /** Something took so long. */
  took(name: keyof typeof HISTOGRAMS, seconds: number): void {
    const known = this.#histograms.get(name) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
    this.#histograms.set(name, known);
    for (const [i, most] of BUCKETS.entries()) if (seconds <= most) known.counts[i]!++;
    known.sum += seconds;
    known.count++;
  }

  /** All of it, with what runs and waits just now. */
  text({ running, waiting }: { readonly running: number; readonly waiting: number }): string {
    const lines = [
      ...metric("requests_total", "counter", "Requests by path and status.", [...this.#requests]),
      ...metric("running", "gauge", "Completions that are sampled.", [["", running]]),
      ...metric("waiting", "gauge", "Completions that wait for their turn.", [["", waiting]]),
      ...metric("prompt_tokens_total", "counter", "Tokens of prompts.", [["", this.#tokens.prompt]]),
      ...metric("completion_tokens_total", "counter", "Tokens sampled.", [["", this.#tokens.completion]]),
    ];
    for (const [name, { counts, sum, count }] of this.#histograms) {
      lines.push(`# HELP grit_${name} ${HISTOGRAMS[name]}`, `# TYPE grit_${name} histogram`);
      for (const [i, most] of BUCKETS.entries()) lines.push(`grit_${name}_bucket{le="${most}"} ${counts[i]}`);
      lines.push(`grit_${name}_bucket{le="+Inf"} ${count}`, `grit_${name}_sum ${sum}`, `grit_${name}_count ${count}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function metric(name: string, type: string, help: string, values: readonly (readonly [string, number])[]): string[] {
  const rows = values.map(([labels, value]) => `grit_${name}${labels === "" ? "" : `{${labels}}`} ${value}`);
  return [`# HELP grit_${name} ${help}`, `# TYPE grit_${name} ${type}`, ...rows];
}
