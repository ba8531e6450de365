/**
 * @file Asks the tiny base about a few held-out scenes and prints what it writes, with its boxes in image pixels.
 *
 *     npm run example examples/01-sample-boxes.ts [DATA.jsonl]
 */
import { boxesOf, loadRecipe, loadSamples, METHODS, openEngine } from "grit-ts";

const recipe = await loadRecipe("tiny");
const samples = (await loadSamples([process.argv[2] ?? recipe.data.eval.vsr!])).slice(0, 3);
const engine = await openEngine(recipe);

const prompts = await Promise.all(samples.map((sample) => engine.processor.prompt(sample, "grit")));
const completions = await engine.sample(prompts, {
  n: 4,
  maxTokens: 200,
  temperature: 1,
  seed: 1,
  stop: METHODS.grit.stop,
});
for (const [i, sample] of samples.entries()) {
  console.log(`${sample.image} (${sample.width}x${sample.height})\n${sample.question}`);
  for (const { text } of completions[i]!) {
    const boxes = boxesOf(text, prompts[i]!, engine).map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2].map(Math.round));
    console.log(`  ${text.replaceAll("\n", " ")}\n    boxes: ${boxes.length > 0 ? boxes.join("  ") : "none"}`);
  }
}
await engine.dispose();
