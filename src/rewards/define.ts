/** @file What a reward is, and how several make one score. */

import { type Chain, isScored, type Sample, type Score, type Scores } from "../records.ts";
import { UserError } from "../util/errors.ts";

/** What a reward sees: a rollout without scores. */
export interface RewardInput {
  readonly sample: Sample;
  readonly chain: Chain;
  /** `ids` is absent only for a text that was not sampled. */
  readonly completion: { readonly text: string; readonly ids?: readonly number[] | undefined };
}

/** One term of the reward. */
export interface Reward {
  readonly name: string;
  /** The term's weight in the total. */
  readonly weight: number;
  /** The term before weighting; `Unscored` when it cannot be determined, which is not the same as 0. */
  score(rollout: RewardInput): Score | Promise<Score>;
}

/**
 * Declares a reward, in this project or in a module of the user.
 * @example export default defineReward({ name: "brief", weight: 0.1, score: ({ chain }) => (chain.text.length < 400 ? 1 : 0) });
 * @throws UserError on a missing name, a weight that is not a finite number, or a `score` that is not a function
 */
export function defineReward(reward: Reward): Reward {
  const { name, weight, score } = reward;
  if (typeof name !== "string" || !/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new UserError(
      `a reward has the name ${JSON.stringify(name)}`,
      "name it with lower-case letters, digits and _",
    );
  }
  if (typeof weight !== "number" || !Number.isFinite(weight)) {
    throw new UserError(`reward "${name}" has the weight ${String(weight)}`, "give a finite number, e.g. weight: 1");
  }
  if (typeof score !== "function") {
    throw new UserError(`reward "${name}" has no score`, "give score: (rollout) => number");
  }
  return reward;
}

/** @throws UserError when two rewards share a name */
export function refuseTwice(rewards: readonly Reward[]): void {
  const twice = rewards.find((reward, i) => rewards.findIndex((other) => other.name === reward.name) < i);
  if (twice)
    throw new UserError(`two rewards are named "${twice.name}"`, "Scores are kept by name: rename one of them.");
}

/**
 * Scores one rollout by all rewards: the weighted terms by name, and their sum. The total is unscored if any term is.
 * @throws UserError when two rewards share a name, or one returns anything but a finite number or `Unscored`; what a reward throws
 */
export async function scoreAll(rewards: readonly Reward[], rollout: RewardInput): Promise<Scores> {
  refuseTwice(rewards);
  const verdicts = await Promise.all(
    rewards.map(async (reward) => weigh(reward, await reward.score(rollout), rollout)),
  );
  const terms = Object.fromEntries(rewards.map((reward, i) => [reward.name, verdicts[i]!]));
  const open = rewards.filter((_, i) => !isScored(verdicts[i]!)).map((reward) => reward.name);
  if (open.length > 0) return { terms, total: { unscored: `unscored: ${open.join(", ")}` } };
  return { terms, total: verdicts.filter(isScored).reduce((sum, term) => sum + term, 0) };
}

/** A sample in a message: its id, and where it was read from. */
export function nameOf({ id, where }: Sample): string {
  return `sample ${id}${where === undefined ? "" : ` (${where})`}`;
}

function weigh(reward: Reward, score: Score, { sample }: RewardInput): Score {
  if (typeof score === "number" && Number.isFinite(score)) return score * reward.weight;
  if (typeof score === "object" && score !== null && typeof score.unscored === "string") return score;
  const returned = typeof score === "number" ? String(score) : (JSON.stringify(score) ?? String(score));
  throw new UserError(
    `reward "${reward.name}" returned ${returned} for ${nameOf(sample)}`,
    "return a finite number, or { unscored: reason } when the rollout cannot be judged",
  );
}
