/**
 * @file The manifest of an evaluation: everything that decides its numbers, written before the first answer. Two evaluations
 * are compared by their manifests first, and one that is resumed must have the manifest it began with.
 */
import { z } from "zod";
import type { Answered } from "../run/lines.ts";
import { type Difference, differences } from "../util/differences.ts";

export const manifestSchema = z.object({
  /** Names the row of a table. Evaluations of one name that differ only in model and seed are one row: several seeds. */
  name: z.string(),
  model: z.object({
    path: z.string(),
    /** By `modelHash`. */
    sha256: z.string(),
  }),
  prompt: z.object({
    method: z.string(),
    /** The rendered conversation, `{question}` in the question's place and one placeholder for the image. */
    text: z.string(),
    /** The text that every answer begins with. */
    prefix: z.string(),
    stop: z.array(z.string()),
    /** Where the answer is read: after `<answer>`, or the whole response. */
    answer: z.string(),
  }),
  /** Pixel policy: what the image processor is set to. */
  image: z.record(z.string(), z.unknown()),
  decoding: z.object({ temperature: z.number(), maxTokens: z.number(), seed: z.number() }),
  judge: z.preprocess(
    // Manifests of earlier versions have the name alone, which is all there is of a judge that asks no service.
    (judge) => (typeof judge === "string" ? { name: judge } : judge),
    z.object({
      name: z.string(),
      /** Of a `JudgeService`, as all below. */
      model: z.string().optional(),
      base_url: z.string().optional(),
      api_version: z.string().optional(),
      form: z.string().optional(),
      instruction: z.string().optional(),
    }),
  ),
  precision: z.string(),
  device: z.string(),
  /** The sets by name: how many samples, of how many where they are only the first, and their hash by `dataHash`. */
  sets: z.record(z.string(), z.object({ samples: z.number(), of: z.number().optional(), sha256: z.string() })),
  versions: z.record(z.string(), z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The part of a line of `samples.jsonl` from which numbers are computed. */
export type Measured = Pick<
  Answered,
  | "id"
  | "set"
  | "dataset"
  | "acc"
  | "rating"
  | "unscored"
  | "giou"
  | "giouRaw"
  | "f1"
  | "answerIoU"
  | "yesNo"
  | "choice"
>;

/** An evaluation, finished or not. */
export interface Evaluation {
  /** Its folder; names it in messages. */
  readonly dir: string;
  readonly manifest: Manifest;
  readonly samples: readonly Measured[];
}

/**
 * The differences of two manifests that can change the numbers: the model's content counts, its place does not; the samples that
 * were asked count, how many more the file has does not.
 */
export function manifestDifferences(from: Manifest, to: Manifest): Difference[] {
  return differences(from, to).filter(({ key }) => key !== "model.path" && !/^sets\..+\.of$/.test(key));
}
