/** @file A reward of the user's own, whose failures name it and the sample that it failed for. */
import { Interrupted, UserError } from "../util/errors.ts";
import { Stranded, unlessStranded } from "../util/stranded.ts";
import { nameOf, type Reward, type RewardInput } from "./define.ts";

/** The same reward. It throws a UserError where that throws, rejects or never answers. */
export function guarded(reward: Reward): Reward {
  const { name, weight } = reward;
  return { name, weight, score: (rollout) => ask(reward, rollout) };
}

async function ask(reward: Reward, rollout: RewardInput) {
  try {
    return await unlessStranded(Promise.resolve(reward.score(rollout)));
  } catch (error) {
    if (error instanceof UserError || error instanceof Interrupted) throw error;
    const where = nameOf(rollout.sample);
    if (error instanceof Stranded) {
      throw new UserError(
        `reward "${reward.name}" never answered for ${where}: nothing is left that could settle its promise`,
        "make sure that its score resolves or rejects, whatever happens",
      );
    }
    throw new UserError(
      `reward "${reward.name}" failed for ${where}: ${error instanceof Error ? described(error) : String(error)}`,
      "mend the reward; for a rollout that cannot be judged, return { unscored: reason }",
    );
  }
}

/** An error, and the place in the code that threw it. */
function described({ name, message, stack }: Error): string {
  const place = /^ +at (.*)$/m.exec(stack ?? "")?.[1];
  return `${name}: ${message}${place === undefined ? "" : ` (at ${place})`}`;
}
