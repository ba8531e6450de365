/**
 * @file Describes a run's results in sentences computed from its numbers. A change counts only when its whole 95 % interval
 * is on one side of zero. The reading also says what a gain is worth: answering after being forced to begin with a box needs
 * no training, so a policy that only reaches that row has learned when to look, not to see better.
 */

import type { Change, Metrics, Row, Summary } from "../run/lines.ts";
import type { RunFolder } from "../run/read-run.ts";
import { compact, fraction, known, listed, partial, percent } from "./number-format.ts";

/** The names of rows in `summary.json`. */
export const TRAINED_ROW = "GRPO-GR";
const FORCED_ROW = "forced to look";
const DIRECT_ROW = "direct query";

/** The headline and the sentences under it. */
export interface Verdict {
  readonly headline: string;
  readonly reading: readonly string[];
  /** Sets of the same data as the training triplets; all sets when that is not known. */
  readonly trainedSets: readonly string[];
}

/** Judges a run. `trainedOn` are the data sets its rollouts came from. */
export function judge(folder: RunFolder, trainedOn: ReadonlySet<string>): Verdict {
  const { summary, metrics } = folder;
  const names = Object.keys(summary?.sets ?? {});
  if (!summary || names.length === 0)
    return { headline: unfinished(metrics), reading: unscored(metrics), trainedSets: [] };
  const held = names.filter((name) => trainedOn.has(name));
  const trainedSets = held.length > 0 ? held : names;
  const others = names.filter((name) => !trainedSets.includes(name));
  return {
    headline: headline(summary, trainedSets),
    reading: [
      ...elsewhere(summary, others),
      ...againstForced(summary, trainedSets),
      ...againstDirect(summary, trainedSets),
      ...missing(summary),
      ...unscored(metrics),
    ],
    trainedSets,
  };
}

/** The direction of a change, if its interval is clear. */
export function outcome(change: Change): "rose" | "fell" | "unclear" {
  return change.low > 0 ? "rose" : change.high < 0 ? "fell" : "unclear";
}

function headline(summary: Summary, sets: readonly string[]): string {
  const accuracy = movement(summary, sets, "acc");
  const grounding = movement(summary, sets, "giou");
  if (accuracy && accuracy === grounding) return `Accuracy and grounding IoU ${accuracy}.`;
  const parts = [accuracy && `accuracy ${accuracy}`, grounding && `grounding IoU ${grounding}`].filter((part) => part);
  return parts.length > 0 ? capital(`${parts.join("; ")}.`) : "No metric could be compared before and after.";
}

/** For example `rose on vsr and fell on tallyqa`. */
function movement(summary: Summary, sets: readonly string[], metric: "acc" | "giou"): string {
  const words = { rose: "rose on", fell: "fell on", unclear: "did not clearly change on" };
  const parts = (["rose", "fell", "unclear"] as const).flatMap((kind) => {
    const names = sets.filter((name) => {
      const change = summary.sets?.[name]?.[metric];
      return change && outcome(change) === kind;
    });
    return names.length > 0 ? [`${words[kind]} ${listed(names)}`] : [];
  });
  return listed(parts);
}

function elsewhere(summary: Summary, others: readonly string[]): string[] {
  if (others.length === 0) return [];
  const moved = (kind: "rose" | "fell") =>
    others.flatMap((name) => {
      const { acc, giou } = summary.sets![name]!;
      const metrics = [acc && outcome(acc) === kind && "accuracy", giou && outcome(giou) === kind && "IoU"].filter(
        (m) => !!m,
      );
      return metrics.length > 0 ? [`${name} (${metrics.join(", ")})`] : [];
    });
  const [rose, fell] = [moved("rose"), moved("fell")];
  const sets = others.length === 1 ? "On the set" : `On the ${others.length} sets`;
  return [
    `${sets} not trained on, ${rose.length > 0 ? `these rose: ${listed(rose)}` : "none rose beyond noise"}; ` +
      `${fell.length > 0 ? `these fell: ${listed(fell)}` : "none fell beyond noise"}.`,
  ];
}

/** Compares with the untrained base made to begin with a box, by the 95 % intervals of the two rows. */
function againstForced(summary: Summary, sets: readonly string[]): string[] {
  const trained = rowNamed(summary, TRAINED_ROW);
  const forced = rowNamed(summary, FORCED_ROW);
  if (!trained || !forced) {
    return [
      `No row for the base forced to look was evaluated, so this run cannot tell learning to see from learning to look.`,
    ];
  }
  const both = sets.filter((name) => known(trained.sets[name]?.acc) && known(forced.sets[name]?.acc));
  if (both.length === 0) return [];
  const above = both.filter((name) => (trained.sets[name]!.accLow ?? trained.sets[name]!.acc!) > upper(forced, name));
  const pairs = (names: readonly string[]) =>
    listed(
      names.map((name) => `${name} ${percent(trained.sets[name]!.acc)} against ${percent(forced.sets[name]!.acc)}`),
    );
  if (above.length === both.length) {
    return [
      `Training went beyond the untrained base forced to begin with a box (${pairs(both)}): more was learned than when to look.`,
    ];
  }
  const rest = both.filter((name) => !above.includes(name));
  const below = rest.every((name) => trained.sets[name]!.acc! <= forced.sets[name]!.acc!);
  const gained = rest.some((name) => summary.sets?.[name]?.acc && outcome(summary.sets[name].acc) === "rose");
  const worth = below
    ? " The gain is what looking first already gives the base: a style was learned, to look before answering, not better sight."
    : " The gain may be one of style alone: to look before answering.";
  return [
    `The trained model does not ${below ? "" : "clearly "}exceed the untrained base forced to begin with a box (${pairs(rest)}).` +
      `${gained ? worth : ""}${above.length > 0 ? ` It does on ${pairs(above)}.` : ""}`,
  ];
}

function againstDirect(summary: Summary, sets: readonly string[]): string[] {
  const trained = rowNamed(summary, TRAINED_ROW);
  const direct = rowNamed(summary, DIRECT_ROW);
  const both = sets.filter((name) => known(trained?.sets[name]?.acc) && known(direct?.sets[name]?.acc));
  if (!trained || !direct || both.length === 0) return [];
  const better = both.filter((name) => direct.sets[name]!.acc! >= trained.sets[name]!.acc!);
  const pairs = listed(
    both.map((name) => `${name} ${percent(direct.sets[name]!.acc)} → ${percent(trained.sets[name]!.acc)}`),
  );
  return [
    better.length === 0
      ? `It scores higher than the base asked directly, without any chain (${pairs}).`
      : `The base asked directly, without any chain, is at least as good on ${listed(better)} (direct → trained: ${pairs}).`,
  ];
}

/** The sets on which accuracy could not be compared before and after. */
function missing(summary: Summary): string[] {
  const names = Object.entries(summary.sets ?? {}).flatMap(([name, { coverage }]) =>
    coverage === undefined ? [] : [`${name} (${partial(coverage)})`],
  );
  return names.length > 0 ? [`No accuracy is given where answers could not be scored: ${listed(names)}.`] : [];
}

function unscored(metrics: readonly Metrics[]): string[] {
  const count = metrics.reduce((sum, line) => sum + (line.unscored ?? 0), 0);
  return count > 0
    ? [`${count} sampled chains could not be scored; they are left out of their groups, not counted as wrong.`]
    : [];
}

function unfinished(metrics: readonly Metrics[]): string {
  const first = metrics[0];
  const last = metrics.at(-1);
  if (!first || !last) return "Nothing to show yet: no step and no evaluation has been written.";
  const rewards = `mean reward ${compact(first.reward?.mean)} at step ${first.step}, ${compact(last.reward?.mean)} at step ${last.step}`;
  const looks = known(last.giou) ? `, training IoU ${fraction(last.giou)}` : "";
  return `Not evaluated yet: ${rewards}${looks}.`;
}

function rowNamed(summary: Summary, name: string): Row | undefined {
  return summary.rows?.find((row) => row.name === name);
}

function upper(row: Row, set: string): number {
  return row.sets[set]!.accHigh ?? row.sets[set]!.acc!;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
