/**
 * @file Trains the tiny base for two steps with the reward of brief.ts beside the paper's, and prints what came of it. A
 * recipe names the module the same way: `rewards: { custom: [brief.ts] }`.
 *
 *     npm run example examples/02-custom-reward.ts [RUN_FOLDER]
 */
import { fileURLToPath } from "node:url";
import { loadRecipe, train } from "grit-ts";

const brief = fileURLToPath(new URL("brief.ts", import.meta.url));
const recipe = await loadRecipe("tiny", [
  `rewards.custom=[${JSON.stringify(brief)}]`,
  "steps=2",
  "prompts_per_step=4",
  "group_size=4",
  "sampling.max_tokens=64",
]);
const run = await train(recipe, {
  run: process.argv[2] ?? "runs/custom-reward",
  onStep: ({ step, reward }) =>
    console.log(`step ${step}: reward ${reward.mean?.toFixed(3)}, brief ${reward.terms.brief?.toFixed(3)}`),
});
console.log(`The run is in ${run.dir}`);
