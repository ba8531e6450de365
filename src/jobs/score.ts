/** @file Scores given completions: the log-probability of every token. */
import type { z } from "zod";
import { givenCompletion } from "../data/given-completion.ts";
import { type LoadedLine, type LoadOptions, loadLinesWith } from "../data/samples.ts";
import type { Engine } from "../engine/engine.ts";
import type { MethodName } from "../prompt/methods.ts";
import { chunks } from "../util/arrays.ts";
import { Faults } from "../util/faults.ts";
import { checkLines, type LinesFollowing, promptsOf } from "./asked-lines.ts";

/** What a line must hold beside its sample. */
const completionSchema = givenCompletion.superRefine(({ text, ids, textKey, idsKey }, context) => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
  if (text === undefined && ids === undefined) refuse([], "has neither completion nor completion_ids");
  if (ids?.length === 0) refuse([idsKey], "is empty");
  if (ids === undefined && text === "") refuse([textKey], "is empty");
});

/** A sample with a completion of it. */
export type CompletedLine = LoadedLine<z.infer<typeof completionSchema>>;

/**
 * The lines of data files that have a completion: `completion`, a text that continues the prompt, `completion_ids`, which is used
 * where a line has both, or what `generate`, an evaluation or a run has written.
 * @throws UserError naming every fault of the files and their images
 */
export function loadCompletions(files: readonly string[], options: LoadOptions = {}): Promise<CompletedLine[]> {
  return loadLinesWith(files, completionSchema, options);
}

export interface ScoreOptions extends LinesFollowing {
  /** The way in which the completions were asked for. Default `grit`. */
  readonly method?: MethodName;
}

/** The scores of one line's completion. */
export interface ScoredRow {
  readonly id: string;
  readonly tokens: readonly number[];
  /** Of each token given the prompt and the tokens before it: at temperature 1, placeholder ids masked. */
  readonly logprobs: readonly number[];
}

/** Lines between two signs of progress; the engine cuts them into passes by its own budget. */
const BATCH = 16;

/**
 * Scores the lines that `loadCompletions` gave under the engine's policy.
 * @throws UserError naming every line that cannot be asked, and every token that no policy can write, before the first line is
 * scored; the signal's reason when it fires
 */
export async function score(
  engine: Engine,
  lines: readonly CompletedLine[],
  options: ScoreOptions = {},
): Promise<ScoredRow[]> {
  const { method = "grit", onProgress, signal } = options;
  const faults = new Faults();
  const asked = completionsOf(engine, lines, faults);
  const planned = asked.map(({ line, ids }) => ({ line, newTokens: ids.length }));
  await checkLines(engine, planned, method, faults, options);
  const rows: ScoredRow[] = [];
  for (const batch of chunks(asked, BATCH)) {
    const prompts = await promptsOf(
      engine.processor,
      batch.map(({ line }) => line),
      method,
    );
    const groups = batch.map(({ ids }, i) => ({ prompt: prompts[i]!, completions: [ids] }));
    const scored = await engine.score("policy", groups, { signal });
    rows.push(...batch.map(({ line, ids }, i) => ({ id: line.sample.id, tokens: ids, logprobs: scored[i]![0]! })));
    onProgress?.(rows.length);
  }
  return rows;
}

/** The token ids of every line's completion. Tokens that no policy can write are added to `faults`. */
function completionsOf({ processor, vocabulary }: Engine, lines: readonly CompletedLine[], faults: Faults) {
  const placeholders = new Set(processor.placeholderIds);
  return lines.map((line) => {
    const { text, textKey, idsKey } = line.extra;
    const ids = line.extra.ids ?? processor.tokenizer.encode(text!);
    const where = `${line.file}:${line.line}: ${line.extra.ids ? idsKey : textKey}`;
    for (const id of new Set(ids)) {
      if (id >= vocabulary) faults.add(where, `token ${id} is beyond the model's vocabulary of ${vocabulary}`);
      else if (placeholders.has(id))
        faults.add(
          where,
          `token ${id}, ${processor.tokenizer.decode([id], { skipSpecial: false })}, stands for an image and is never written`,
        );
    }
    return { line, ids };
  });
}
