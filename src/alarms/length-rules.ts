/** @file Alarms of chains that collapse, blow up, or are cut off. */
import { type History, meanOf, percent, type Symptom, span } from "./rule.ts";

/** Chains this many times shorter or longer than in the first steps are something else. */
const TIMES = 3;
/** Tokens: what begins shorter cannot collapse. */
const SHORTEST = 8;

/** Chains that have become far shorter or longer than in the first steps. */
export function strangeLength({ first, recent }: History): Symptom | undefined {
  const [before, now] = [first, recent].map((lines) => meanOf(lines, ({ length }) => length?.mean));
  if (before === undefined || now === undefined || before < SHORTEST) return undefined;
  const figures = { length: now, first: before };
  const change = `A chain has ${now.toFixed(0)} tokens in ${span(recent)}, ${before.toFixed(0)} in ${span(first)}`;
  if (now * TIMES < before)
    return {
      name: "length-collapse",
      figures,
      message: `${change}: the chains collapse.`,
      remedy: "Look for a term in rewards.custom that pays short chains; raise loss.beta, or lower optimizer.lr.",
    };
  if (now > before * TIMES)
    return {
      name: "length-blow-up",
      figures,
      message: `${change}: the chains blow up.`,
      remedy: "Look for a term in rewards.custom that pays long chains; set loss.normalize: token, or raise loss.beta.",
    };
  return undefined;
}

/** Rings when more than this share of chains is cut off, */
const CUT = 0.5;
/** or this one, when it has risen so far. */
const SOME_CUT = 0.2;
const RISE = 0.15;

/** Chains that end at the token limit. */
export function cutOff({ first, recent }: History): Symptom | undefined {
  const [before, now] = [first, recent].map((lines) => meanOf(lines, ({ ending }) => ending?.length));
  if (now === undefined) return undefined;
  const hasRisen = before !== undefined && now > SOME_CUT && now > before + RISE;
  if (now <= CUT && !hasRisen) return undefined;
  return {
    name: "cut-off",
    figures: { share: now, ...(before !== undefined && { first: before }) },
    message: `${percent(now)} of the chains in ${span(recent)} are cut off by sampling.max_tokens${hasRisen ? `, ${percent(before)} in ${span(first)}` : ""}.`,
    remedy: "Raise sampling.max_tokens, or add a term to rewards.custom that pays chains that end.",
  };
}
