/**
 * @file Whether the files of a checkpoint agree. The model asks for image tokens and patches by config.json; the tokenizer
 * and the image processor make them by files of their own. Where these say something else, every number computed is
 * wrong, or the first image ends the work.
 */
import { basename } from "node:path";
import type { Model } from "../models/model.ts";
import { ProcessorFile } from "../prompt/image-processor.ts";
import type { Processor } from "../prompt/prompt.ts";
import { tokenizerFile } from "../prompt/tokenizer.ts";
import { Faults } from "../util/faults.ts";

/**
 * Compares a model with the processor of the same folder.
 * @throws UserError listing all they contradict each other in, with the files and what each says
 */
export function checkAgreement(dir: string, model: Model, processor: Processor): void {
  const faults = new Faults();
  const { images } = processor;
  const compare = (what: string, asked: number | undefined, file: string, made: number | undefined) => {
    if (asked !== undefined && asked !== made) faults.add(what, `config.json says ${asked}, but ${file} says ${made}`);
  };
  compare(`the id of ${processor.imageToken}`, model.imageTokenId, tokenizerFile(dir), processor.imageTokenId);
  const file = basename(ProcessorFile.find(dir)?.file ?? "config.json");
  const [asked, made] = [model.imageLayout, images.layout];
  compare("patch_size", asked.patchSize, file, made.patchSize);
  compare("merge_size", asked.mergeSize, file, made.mergeSize);
  compare("temporal_patch_size", asked.temporalPatchSize, file, made.temporalPatchSize);
  compare("image_seq_length", asked.tileTokens, `the size of tiles in ${file}`, made.tileTokens);
  faults.throwIfAny(
    `The files in ${dir} contradict each other`,
    "Restore them from where the checkpoint came from, all of one version.",
  );
}
