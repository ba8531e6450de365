/** @file Alarms of a judge that changes in the course of a run, held against the rule `exact` on the same answers. */
import type { Metrics, Signs } from "../run/lines.ts";
import { type History, percent, type Symptom, span, total } from "./rule.ts";

/** A share has risen when it is so much higher, and by so many standard errors: few answers say nothing. */
const RISE = 0.2;
const ERRORS = 3.5;

/** A judge is lenient in earnest when what it pardons is more of all answers than the rule itself may be wrong about. */
const SLIPS = 0.05;

/**
 * A judge that calls answers right which the rule calls wrong, or the reverse, more often than in the first steps. The shares are taken of
 * what the rule refutes, or of what one of the two calls right: a policy that gets better or worse does not change them by itself.
 */
export function driftingJudge({ first, recent }: History): Symptom | undefined {
  const drift = DRIFTS.find(({ of, alone, least = 0 }) => {
    const [before, now] = [first, recent].map((lines) => ({ n: total(lines, of), alone: total(lines, alone) }));
    return hasRisen(before!, now!) && now!.alone >= least * total(recent, ({ judged }) => judged.all);
  });
  if (!drift) return undefined;
  const [before, now] = [first, recent].map((lines) => total(lines, drift.alone) / total(lines, drift.of));
  const [judge, rule] = (["judge", "rule"] as const).map((by) => meanVerdict(recent, by));
  return {
    name: "judge-drift",
    figures: { share: now!, first: before!, judge: judge!, rule: rule! },
    message: `${percent(now!)} of the answers that ${drift.what} in ${span(recent)}, ${percent(before!)} in ${span(first)}.`,
    remedy:
      "Read such answers in rollouts/; name another judge.openai.model, or let the rule decide first by judge.name: exact-then-openai.",
  };
}

interface Drift {
  /** Answers that one of the two has a clear word on. */
  readonly of: (signs: Signs) => number;
  /** Those of them on which the other disagrees. */
  readonly alone: (signs: Signs) => number;
  readonly what: string;
  /** The least share of all answers that they must be. */
  readonly least?: number;
}

const DRIFTS: readonly Drift[] = [
  {
    of: ({ judged }) => judged.refuted ?? 0,
    alone: ({ judged }) => judged.pardoned ?? 0,
    what: "the rule exact refutes are called right by the judge",
    least: SLIPS,
  },
  {
    of: ({ judged }) => judged.judge,
    alone: ({ judged }) => judged.judge - judged.both,
    what: "the judge calls right are wrong by the rule exact",
  },
  {
    of: ({ judged }) => judged.rule,
    alone: ({ judged }) => judged.rule - judged.both,
    what: "are right by the rule exact are called wrong by the judge",
  },
];

/** Mean score of the answers that both have scored. */
function meanVerdict(lines: readonly Metrics[], by: "judge" | "rule"): number {
  return total(lines, ({ judged }) => judged[by]) / total(lines, ({ judged }) => judged.all);
}

interface Counted {
  readonly n: number;
  readonly alone: number;
}

const share = ({ n, alone }: Counted) => alone / n;

function hasRisen(before: Counted, now: Counted): boolean {
  if (before.n === 0 || now.n === 0) return false;
  const pooled = (before.alone + now.alone) / (before.n + now.n);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / before.n + 1 / now.n));
  return share(now) - share(before) > Math.max(RISE, ERRORS * error);
}

/** Rings when more than this share of chains has no score, */
const UNSCORED = 0.3;
/** or this one, when it has risen so far. */
const SOME_UNSCORED = 0.1;

/** Chains without a score, which teach nothing. */
export function unscoredChains({ first, recent }: History): Symptom | undefined {
  const [before, now] = [first, recent].map((lines) => {
    const all = total(lines, ({ chains }) => chains);
    return all === 0 ? undefined : lines.reduce((sum, { unscored }) => sum + (unscored ?? 0), 0) / all;
  });
  if (now === undefined) return undefined;
  const hasRisen = before !== undefined && now > SOME_UNSCORED && now > before + SOME_UNSCORED;
  if (now <= UNSCORED && !hasRisen) return undefined;
  return {
    name: "unscored-chains",
    figures: { share: now, ...(before !== undefined && { first: before }) },
    message: `${percent(now)} of the chains in ${span(recent)} have no score${hasRisen ? `, ${percent(before)} in ${span(first)}` : ""}: they teach nothing.`,
    remedy:
      "The reasons are in rollouts/; raise judge.openai.timeout or lower judge.openai.concurrency, or take another judge.name.",
  };
}
