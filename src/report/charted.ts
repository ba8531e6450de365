/** @file Which numbers of `metrics.jsonl` are charted together, and what is said of them. The report and the studio draw them. */

/** A chart over the steps of a run. */
export interface Charted {
  readonly title: string;
  /** What a value means and in which unit, in a few words. */
  readonly note: string;
  /** The name of each line, and that of its numbers (see `numbersIn`). A `*` stands for any key, which then names the line. */
  readonly lines: Readonly<Record<string, string>>;
  /** The standard deviation around the first line, drawn as a band. */
  readonly spread?: string;
  /** Shares are shown as percentages; without a unit in about three digits. */
  readonly unit?: "percent" | "fraction";
}

/** What the note of a chart with a band adds. */
export const BAND_NOTE = "; band: one standard deviation";

export const CHARTED: readonly Charted[] = [
  {
    title: "Reward",
    note: "mean of the chains",
    lines: { reward: "reward.mean" },
    spread: "reward.std",
  },
  { title: "Reward by term", note: "mean of each term", lines: { "*": "reward.terms.*" } },
  { title: "Accuracy in training", note: "% of sampled chains", lines: { accuracy: "accuracy" }, unit: "percent" },
  { title: "Grounding IoU in training", note: "watched, never rewarded", lines: { IoU: "giou" }, unit: "fraction" },
  { title: "Held-out accuracy", note: "% of each set", lines: { "*": "heldOut.*.acc" }, unit: "percent" },
  { title: "Held-out grounding IoU", note: "mean of each set", lines: { "*": "heldOut.*.giou" }, unit: "fraction" },
  {
    title: "Boxes per chain",
    note: "and how many of them are flawed",
    lines: {
      boxes: "boxes.perChain",
      duplicate: "boxes.duplicate",
      degenerate: "boxes.degenerate",
      outside: "boxes.outOfBounds",
    },
  },
  {
    title: "Well-formed chains",
    note: "%: think, rethink, answer in order",
    lines: { share: "wellFormed" },
    unit: "percent",
  },
  {
    title: "Effective groups",
    note: "% of groups whose rewards differ: only these teach",
    lines: { share: "advantage.effectiveGroups" },
    unit: "percent",
  },
  { title: "KL to the base", note: "k3 estimate, nats a token", lines: { KL: "kl" } },
  { title: "Entropy", note: "of the policy, nats a token", lines: { entropy: "entropy" } },
  { title: "Length", note: "tokens a chain", lines: { mean: "length.mean", longest: "length.max" } },
  {
    title: "Cut off",
    note: "% of chains ended by the token limit",
    lines: { share: "ending.length" },
    unit: "percent",
  },
  { title: "Gradient norm", note: "before clipping", lines: { norm: "gradNorm" } },
  {
    title: "Sampling against training",
    note: "gap of a token's two log-probabilities",
    lines: { mean: "mismatch.mean", largest: "mismatch.max" },
  },
  {
    title: "Terms against each other",
    note: "correlation of two terms within groups",
    lines: { "*": "signs.correlations.*" },
  },
  { title: "Learning rate", note: "AdamW", lines: { rate: "lr" } },
  { title: "Seconds a step", note: "by phase", lines: { "*": "seconds.*" } },
];

/** The sum of the phases, which is not one of them. */
const NOT_LINES = new Set(["seconds.total"]);

/** The lines of a chart among the numbers that there are: the name of each, and that of its numbers. */
export function linesOf(
  { lines }: Charted,
  names: readonly string[],
): { readonly name: string; readonly of: string }[] {
  return Object.entries(lines).flatMap(([name, of]) => {
    if (!of.includes("*")) return names.includes(of) ? [{ name, of }] : [];
    const pattern = new RegExp(`^${of.replaceAll(".", "\\.").replace("*", "(.+)")}$`);
    return names.flatMap((each) => {
      const key = pattern.exec(each)?.[1];
      return key === undefined || NOT_LINES.has(each) ? [] : [{ name: key, of: each }];
    });
  });
}
