/** @file Every prompt of some work laid out once before it begins: bad data must not end it midway. */

import type { MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Prompt, Sample } from "../records.ts";
import { chunks } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import type { Faults } from "../util/faults.ts";
import type { Cancellable } from "../util/interruptible.ts";
import type { Engine } from "./engine.ts";

/** Prompts whose images are decoded at once. */
const TOGETHER = 32;

/** A prompt that is to be asked. */
export interface PlannedPrompt {
  /** Where its sample stands, for messages: a file and line, or a set. */
  readonly where: string;
  readonly sample: Sample;
  readonly method: MethodName;
  /** Tokens that may follow it. */
  readonly newTokens: number;
}

/** What a prompt takes. */
export interface PromptSize {
  readonly tokens: number;
  /** Patches of its images, as they enter the vision tower. */
  readonly patches: number;
}

/**
 * Lays out every prompt, its images decoded, a few at a time. What cannot be asked is added to `faults`: bad images,
 * questions that spell control tokens, and prompts that have no room in the model's context for what may follow them.
 * Gives the sizes of the others. `onProgress` hears how many have been laid out.
 * @throws the signal's reason when it fires
 */
export async function checkPrompts(
  { processor }: Pick<Engine, "processor">,
  planned: readonly PlannedPrompt[],
  faults: Faults,
  { onProgress, signal }: Cancellable & { readonly onProgress?: ((done: number) => void) | undefined } = {},
): Promise<PromptSize[]> {
  const sizes: PromptSize[] = [];
  let done = 0;
  for (const batch of chunks(planned, TOGETHER)) {
    signal?.throwIfAborted();
    const outcomes = await Promise.allSettled(batch.map((each) => sizeOf(processor, each)));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") sizes.push(outcome.value);
      else if (outcome.reason instanceof UserError) faults.add(batch[i]!.where, outcome.reason.message);
      else throw outcome.reason;
    }
    done += batch.length;
    onProgress?.(done);
  }
  return sizes;
}

async function sizeOf(processor: Processor, { sample, method, newTokens }: PlannedPrompt): Promise<PromptSize> {
  const prompt = await processor.prompt(sample, method);
  checkLength(processor, prompt, newTokens, `Sample ${sample.id}: a prompt`);
  const patches = prompt.images.reduce((total, { grid_thw: [t, h, w] }) => total + t * h * w, 0);
  return { tokens: prompt.ids.length, patches };
}

/** @throws UserError when a prompt, which `name` names, with so many new tokens is longer than the model's context */
export function checkLength(processor: Processor, prompt: Prompt, newTokens: number, name = "A prompt"): void {
  const [length, most] = [prompt.ids.length + newTokens, processor.contextLength];
  if (length <= most) return;
  throw new UserError(
    `${name} of ${prompt.ids.length} tokens and ${newTokens} new ones make ${length}, more than the model's ${most}.`,
    `Lower max_tokens or shorten the prompt: a smaller ${processor.images.limit} makes fewer image tokens.`,
  );
}
