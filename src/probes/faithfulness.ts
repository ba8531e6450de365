/**
 * @file Measures whether answers depend on the reasoning before them: each chain's reasoning is edited, and the outcome is
 * compared with that of the intact chain, treated in the same way. Two things are measured:
 *
 * - the text before `<rethink>` is edited, and the model rethinks and answers anew (the paper's ablation, figure 5): is the
 *   answer still right, is it still the same?
 * - all text before `<answer>` is edited, and the original answer is scored after it: how much likelihood does it lose?
 */

import { parseChain } from "../chain/parse.ts";
import type { Engine } from "../engine/engine.ts";
import { accuracy } from "../evaluation/metrics.ts";
import { bootstrapMean, type Interval, type PairedGain, pairedGain } from "../evaluation/statistics.ts";
import type { Judge } from "../judge/judge.ts";
import { normalize } from "../judge/normalize.ts";
import type { Processor } from "../prompt/prompt.ts";
import { type Chain, isScored, type Prompt, type Sample, type Score } from "../records.ts";
import type { Cancellable } from "../util/interruptible.ts";
import { type Random, stream } from "../util/random.ts";
import { boxesRemoved, boxesShuffled, type Edit, forcedPrefix, intact, thinkingRemoved } from "./forced-prefix.ts";

/** A sample with its prompt and the chain that answered it. */
export interface AnsweredSample {
  readonly sample: Sample;
  readonly prompt: Prompt;
  readonly chain: Chain;
}

const edits = {
  intact: () => intact,
  boxes_removed: () => boxesRemoved,
  boxes_shuffled: boxesShuffled,
  thinking_removed: () => thinkingRemoved,
} satisfies Record<string, (random: Random) => Edit>;
export type Probe = keyof typeof edits;

/** The outcome of one chain's reasoning, intact or edited. */
export interface Outcome {
  readonly id: string;
  readonly probe: Probe;
  /** The chain up to `<rethink>`, as edited, and the model's continuation. */
  readonly text: string;
  readonly answer: string | undefined;
  readonly acc: Score;
  /** log p of the original answer after all the reasoning, as edited, in nats; undefined where there was no answer. */
  readonly originalLogprob: number | undefined;
}

/** The effect of a probe on some chains. A gain below 0 means that what was removed was useful. */
export interface ProbeSummary {
  readonly probe: Probe;
  /** Chains that had something to edit. */
  readonly n: number;
  /** Those of them that could not be judged, intact or edited. */
  readonly unscored: number;
  /** Undefined without chains, and while any of them is unscored. */
  readonly acc: PairedGain | undefined;
  /** Share of chains whose answer changed. */
  readonly changed: Interval | undefined;
  /** Over the chains that had an answer. */
  readonly originalLogprob: PairedGain | undefined;
}

/**
 * The outcomes of some chains, greedily answered: for each the intact one first, then those of the probes that have something
 * to edit; none for a chain without a `<rethink>`. `seed` is that of the shuffling.
 */
export async function probe(
  engine: Pick<Engine, "sample" | "score">,
  processor: Processor,
  answered: readonly AnsweredSample[],
  options: {
    readonly judge: Judge;
    readonly maxTokens: number;
    readonly stop: readonly string[];
    readonly seed: number;
  } & Cancellable,
): Promise<Outcome[]> {
  const { judge, maxTokens, stop, seed, signal } = options;
  const variants = (
    await Promise.all(answered.map((each) => variantsOf(engine, processor, each, seed, signal)))
  ).flat();
  const prompts = variants.map(({ prompt, rethink }) => ({
    ...prompt,
    ids: [...prompt.ids, ...processor.tokenizer.encode(rethink)],
  }));
  const completions = await engine.sample(prompts, { n: 1, maxTokens, temperature: 0, seed, stop, signal });
  return Promise.all(
    variants.map(async ({ sample, prompt, probe, rethink, originalLogprob }, i) => {
      const text = rethink + completions[i]![0]!.text;
      const chain = parseChain(text, { space: processor.boxSpace, frame: prompt.images[0]!.frame });
      const acc = await accuracy(sample, chain, judge, "answer");
      return { id: sample.id, probe, text, answer: chain.answer, acc, originalLogprob };
    }),
  );
}

/** Each probe's prefix to rethink from, and the log-probability of the original answer after its edit. */
async function variantsOf(
  engine: Pick<Engine, "score">,
  { tokenizer }: Processor,
  { sample, prompt, chain }: AnsweredSample,
  seed: number,
  signal: AbortSignal | undefined,
) {
  const variants = Object.entries(edits).flatMap(([name, edit]) => {
    const prefix = (until: "<rethink>" | "<answer>") =>
      forcedPrefix(chain, until, edit(stream(seed, "probe", sample.id)));
    const [rethink, answer] = [prefix("<rethink>"), prefix("<answer>")];
    return rethink === undefined ? [] : [{ sample, prompt, probe: name as Probe, rethink, answer }];
  });
  const original = tokenizer.encode(originalAnswer(chain));
  const completions = variants.flatMap(({ answer }) =>
    answer === undefined || original.length === 0 ? [] : [[...tokenizer.encode(answer), ...original]],
  );
  const [logprobs] =
    completions.length > 0 ? await engine.score("policy", [{ prompt, completions }], { signal }) : [[]];
  return variants.map((variant, i) => ({
    ...variant,
    originalLogprob: logprobs![i]?.slice(-original.length).reduce((sum, logprob) => sum + logprob),
  }));
}

/** What was written after `<answer>`, its closing tag with it. */
function originalAnswer({ text }: Chain): string {
  return /<answer>([\s\S]*?(?:<\/answer>|$))/.exec(text)?.[1] ?? "";
}

/** Summarizes the outcomes of `probe` for each probe. */
export function probeSummaries(outcomes: readonly Outcome[]): ProbeSummary[] {
  const intactOf = new Map(outcomes.filter((each) => each.probe === "intact").map((each) => [each.id, each]));
  const probes = (Object.keys(edits) as Probe[]).filter((name) => name !== "intact");
  return probes.map((name) => {
    const pairs = outcomes
      .filter((each) => each.probe === name)
      .map((after) => ({ before: intactOf.get(after.id)!, after }));
    const accs = pairs.flatMap(({ before, after }) =>
      isScored(before.acc) && isScored(after.acc) ? [[before.acc, after.acc] as const] : [],
    );
    const logprobs = pairs.flatMap(({ before: { originalLogprob: before }, after: { originalLogprob: after } }) =>
      before === undefined || after === undefined ? [] : [[before, after] as const],
    );
    const changes = pairs.map(({ before, after }) => Number(said(before) !== said(after)));
    return {
      probe: name,
      n: pairs.length,
      unscored: pairs.length - accs.length,
      acc: accs.length === pairs.length ? gainOf(accs) : undefined,
      changed: changes.length > 0 ? bootstrapMean(changes) : undefined,
      originalLogprob: gainOf(logprobs),
    };
  });
}

/** An answer normalised, so that equal ones compare as equal. */
function said({ answer }: Outcome): string | undefined {
  return answer === undefined ? undefined : normalize(answer);
}

function gainOf(pairs: readonly (readonly [before: number, after: number])[]): PairedGain | undefined {
  if (pairs.length === 0) return undefined;
  return pairedGain(
    pairs.map(([before]) => before),
    pairs.map(([, after]) => after),
  );
}
