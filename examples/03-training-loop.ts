/**
 * @file GRPO-GR written out over the engine's verbs, one question a step: sample, score, forwardBackward, step.
 *
 *     npm run example examples/03-training-loop.ts [STEPS]
 */
import * as grit from "grit-ts";

const recipe = await grit.loadRecipe("tiny");
const samples = await grit.loadSamples(recipe.data.train);
const rewards = await grit.openRewards(recipe);
const engine = await grit.openEngine(recipe);
const loss: grit.GrpoLoss = {
  kind: "grpo",
  form: "on_policy",
  epsilonLow: 0.2,
  epsilonHigh: 0.28,
  beta: 0.02,
  normalize: "sequence",
  maxTokens: 64,
};

for (const [step, sample] of samples.slice(0, Number(process.argv[2] ?? 2)).entries()) {
  const prompt = await engine.processor.prompt(sample, "grit");
  const how = { n: 6, maxTokens: 64, temperature: 1, seed: step, stop: grit.METHODS.grit.stop };
  const completions = (await engine.sample([prompt], how))[0]!;
  const verdicts = completions.map((completion) =>
    grit.scoreAll(rewards, { sample, completion, chain: grit.chainOf(engine.processor, prompt, completion.text) }),
  );
  const totals = (await Promise.all(verdicts)).map(({ total }) => total);
  const advantages = grit.advantages([totals], "group")[0]!;
  const given = [{ prompt, completions: completions.map(({ ids }) => ids) }];
  const reference = (await engine.score("reference", given))[0]!;
  const items = completions.map(({ ids, logprobs: oldLogprobs }, k) => {
    return { ids, oldLogprobs, advantage: advantages[k]!, referenceLogprobs: reference[k]! };
  });
  const { metrics } = await engine.forwardBackward([{ prompt, items }], loss);
  const { gradNorm } = await engine.step({ lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 });
  console.log(`step ${step + 1}: rewards ${totals.map(Number)}, KL ${metrics.kl}, gradient ${gradNorm.toFixed(3)}`);
}
await engine.dispose();
