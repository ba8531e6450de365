/** @file Alarms of groups that no longer teach: all rewards of a group are the same, and so its gradient is nothing. */
import { type History, percent, type Symptom, span, total } from "./rule.ts";

/** Rings when at most this share of groups teaches. */
const NEAR_NONE = 0.1;
/** What most silent groups have in common. */
const MOST = 0.7;

/** Tells groups that are all right, which have nothing left to learn, from those that are all wrong, which find nothing to learn. */
export function silentGroups({ recent }: History): Symptom | undefined {
  const all = total(recent, ({ groups }) => groups.all);
  const alike = total(recent, ({ groups }) => groups.alike);
  if (all < recent.length || all - alike > NEAR_NONE * all) return undefined;
  const right = total(recent, ({ groups }) => groups.alikeRight) / alike;
  const wrong = total(recent, ({ groups }) => groups.alikeWrong) / alike;
  const figures = { teaching: 1 - alike / all, right, wrong };
  const few = `In ${span(recent)} only ${percent(figures.teaching)} of the groups had rewards that differ`;
  if (right >= MOST)
    return {
      name: "groups-all-right",
      figures,
      message: `${few}; in ${percent(right)} of the others every answer is right: little is left to learn here.`,
      remedy: "Add harder samples to data.train, or end the run by fewer steps.",
    };
  if (wrong >= MOST)
    return {
      name: "groups-all-wrong",
      figures,
      message: `${few}; in ${percent(wrong)} of the others every answer is wrong: no right one is found to learn from.`,
      remedy: "Raise group_size or sampling.temperature, or add easier samples to data.train.",
    };
  return {
    name: "groups-alike",
    figures,
    message: `${few}; in the others all completions score the same, right or not.`,
    remedy: "Raise sampling.temperature, or add a term to rewards.custom that tells completions apart.",
  };
}
