/** @file `grit score`: log-probabilities of given completions, token by token. */

import { Command } from "commander";
import type { z } from "zod";
import { givenCompletion } from "../data/given-completion.ts";
import { type LoadedLine, loadLines } from "../data/samples.ts";
import { checkPrompts } from "../engine/check-prompts.ts";
import type { LocalEngine } from "../engine/local.ts";
import { chunks } from "../util/arrays.ts";
import { Faults } from "../util/faults.ts";
import { Progress } from "../util/progress.ts";
import { askingStages, checkOut, MEND, planned, promptsOf, writeRows } from "./model-lines.ts";
import { addModelOptions, type ModelOptions, openModel } from "./model-options.ts";
import { under } from "./option-groups.ts";

interface Options extends ModelOptions {
  readonly data: string;
  readonly out: string;
}

/** What a line must hold beside its sample. */
const completionSchema = givenCompletion.superRefine(({ text, ids, textKey, idsKey }, context) => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
  if (text === undefined && ids === undefined) refuse([], "has neither completion nor completion_ids");
  if (ids?.length === 0) refuse([idsKey], "is empty");
  if (ids === undefined && text === "") refuse([textKey], "is empty");
});
type Line = LoadedLine<z.infer<typeof completionSchema>>;

/** What is written for one line. */
interface ScoredRow {
  readonly id: string;
  readonly tokens: readonly number[];
  /** Of each token given the prompt and the tokens before it: at temperature 1, placeholder ids masked. */
  readonly logprobs: readonly number[];
}

/** Lines between two signs of progress; the engine cuts them into passes by its own budget. */
const BATCH = 16;

export function scoreCommand(): Command {
  const command = new Command("score").description("write the log-probability of every token of given completions");
  under(command, "input").requiredOption(
    "--data <file>",
    "JSON lines, as for training, with completion (text, read as continuing the prompt; no end token is added) or " +
      "completion_ids (used where a line has both); or what grit generate, grit eval or a run has written",
  );
  under(command, "output").requiredOption("--out <file>", "JSON lines to write: id, tokens, logprobs");
  return addModelOptions(command).action(async (options: Options) => {
    checkOut(options.out, options.data);
    const lines = await loadLines([options.data], completionSchema, { images: options.images });
    const engine = openModel(options);
    try {
      const progress = new Progress(askingStages("score", lines.length));
      const rows = await score(engine, lines, options, progress);
      progress.finish();
      writeRows(options.out, rows);
      console.log(`${rows.length} completions are scored in ${options.out}.`);
    } finally {
      engine.dispose();
    }
  });
}

async function score(
  engine: LocalEngine,
  lines: readonly Line[],
  { data, method }: Options,
  progress: Progress,
): Promise<ScoredRow[]> {
  const faults = new Faults();
  const asked = completionsOf(engine, lines, faults);
  const plans = asked.map(({ line, ids }) => planned(line, method, ids.length));
  await checkPrompts(engine, plans, faults, (done) => progress.update(done));
  faults.throwIfAny(data, MEND);
  progress.enter("score");
  const rows: ScoredRow[] = [];
  for (const batch of chunks(asked, BATCH)) {
    const prompts = await promptsOf(
      engine.processor,
      batch.map(({ line }) => line),
      method,
    );
    const scored = engine.score(
      "policy",
      batch.map(({ ids }, i) => ({ prompt: prompts[i]!, completions: [ids] })),
    );
    rows.push(...batch.map(({ line, ids }, i) => ({ id: line.sample.id, tokens: ids, logprobs: scored[i]![0]! })));
    progress.update(rows.length);
  }
  return rows;
}

/** The token ids of every line's completion. Tokens that no policy can write are added to `faults`. */
function completionsOf({ processor, model }: LocalEngine, lines: readonly Line[], faults: Faults) {
  const placeholders = new Set(processor.placeholderIds);
  return lines.map((line) => {
    const { text, textKey, idsKey } = line.extra;
    const ids = line.extra.ids ?? processor.tokenizer.encode(text!);
    const where = `${line.file}:${line.line}: ${line.extra.ids ? idsKey : textKey}`;
    for (const id of new Set(ids)) {
      if (id >= model.shape.vocabulary)
        faults.add(where, `token ${id} is beyond the model's vocabulary of ${model.shape.vocabulary}`);
      else if (placeholders.has(id))
        faults.add(
          where,
          `token ${id}, ${processor.tokenizer.decode([id], { skipSpecial: false })}, stands for an image and is never written`,
        );
    }
    return { line, ids };
  });
}
