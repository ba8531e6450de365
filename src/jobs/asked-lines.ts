/** @file Lines of a data file on their way through a model: every prompt is checked before the first is asked. */
import type { LoadedLine } from "../data/samples.ts";
import { checkPrompts } from "../engine/check-prompts.ts";
import type { Engine } from "../engine/engine.ts";
import type { MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Prompt } from "../records.ts";
import type { Faults } from "../util/faults.ts";

/** Callbacks that follow the work, and the signal that ends it. */
export interface LinesFollowing {
  /** Called while prompts are laid out, with how many are. */
  readonly onChecked?: (done: number) => void;
  /** Called while lines are worked on, with how many are done; parts of one count too. */
  readonly onProgress?: (done: number) => void;
  /** Ends the work: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** A line, and how many tokens may follow its prompt. */
export interface PlannedLine {
  readonly line: LoadedLine<unknown>;
  readonly newTokens: number;
}

/**
 * Lays out every prompt once, its image decoded.
 * @throws UserError naming, beside the `faults` found so far, every line that cannot be asked or has no room for its tokens
 */
export async function checkLines(
  engine: Engine,
  planned: readonly PlannedLine[],
  method: MethodName,
  faults: Faults,
  { onChecked, signal }: LinesFollowing,
): Promise<void> {
  const plans = planned.map(({ line: { sample, file, line }, newTokens }) => ({
    where: `${file}:${line}`,
    sample,
    method,
    newTokens,
  }));
  await checkPrompts(engine, plans, faults, { onProgress: onChecked, signal });
  const files = new Set(planned.map(({ line }) => line.file));
  faults.throwIfAny([...files].join(", "), "Fix the lines above and run the command again; nothing was written.");
}

/** The prompts of some lines. */
export function promptsOf(
  processor: Processor,
  lines: readonly LoadedLine<unknown>[],
  method: MethodName,
): Promise<Prompt[]> {
  return Promise.all(lines.map(({ sample }) => processor.prompt(sample, method)));
}
