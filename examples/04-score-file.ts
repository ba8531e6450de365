/**
 * @file How likely the tiny base finds the true answer of every sample in a data file, asked without a chain.
 *
 *     npm run example examples/04-score-file.ts [DATA.jsonl]
 */
import { loadRecipe, loadSamples, openEngine } from "grit-ts";

const recipe = await loadRecipe("tiny");
const samples = await loadSamples([process.argv[2] ?? recipe.data.train[0]!]);
const engine = await openEngine(recipe);

const prompts = await Promise.all(samples.map((sample) => engine.processor.prompt(sample, "direct")));
const scored = await engine.score(
  "policy",
  samples.map(({ answer }, i) => ({ prompt: prompts[i]!, completions: [engine.processor.tokenizer.encode(answer)] })),
);
const logprobs = scored.map(([answer]) => answer!.reduce((sum, logprob) => sum + logprob, 0));
for (const [i, { id, answer }] of samples.entries())
  console.log(`${id}  log p("${answer}") = ${logprobs[i]!.toFixed(2)}`);
console.log(`mean ${(logprobs.reduce((sum, each) => sum + each, 0) / samples.length).toFixed(2)}`);
await engine.dispose();
