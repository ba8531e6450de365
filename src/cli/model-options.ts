/** @file Options that the commands with a model share: which one, how it computes, how it is asked, how it samples. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Engine } from "../engine/engine.ts";
import { EngineThread } from "../engine/engine-thread.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { askedAs } from "../prompt/asked-as.ts";
import { METHOD_NAMES, type MethodName } from "../prompt/methods.ts";
import { DEVICE_ADVICE, isDeviceName } from "../torch/device-name.ts";
import { PRECISIONS, type Precision, precisionAdvice } from "../torch/precision.ts";
import { modelNamed } from "./model-folder.ts";
import { integer, number } from "./number-options.ts";
import { under } from "./option-groups.ts";

/** A model, and how it computes. */
export interface OpenOptions {
  readonly model: string;
  readonly precision: Precision;
  readonly device: string;
  readonly maxPixels?: number;
  readonly maxTiles?: number;
}

/** A model asked about samples. */
export interface ModelOptions extends OpenOptions {
  readonly images?: string;
  readonly method: MethodName;
}

export interface SamplingOptions {
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** Adds the options of `ModelOptions` to a command. */
export function addModelOptions(command: Command): Command {
  return addAskingOptions(under(command, "input").addOption(modelOption()));
}

/** What `--method` can be, in words. */
const METHOD_HELP =
  "the prompt format: what is added to the question, and where the answer is read. grit: think with boxes, rethink, answer; " +
  "cot: the same, for a model that was not trained to; direct: the question alone; detect, detect-box: the box of what the key phrase describes, in the words of Qwen or InternVL; icl, icl-box: with a worked example, for Qwen " +
  "or InternVL; sft: boxes, then the answer, for the fine-tuned baseline. Default: the format the model was trained with, or grit";

/** Adds the options of `ModelOptions` to a command, all but `--model`. */
export function addAskingOptions(command: Command): Command {
  under(command, "input").option(
    "--images <dir>",
    "folder that image paths start at (default: each data file's folder)",
  );
  under(command, "prompt").addOption(new Option("--method <name>", METHOD_HELP).choices(METHOD_NAMES));
  return addOpenOptions(command).hook("preAction", (_, called) => {
    const { model, method } = called.opts<Partial<ModelOptions>>();
    const trained = model === undefined ? undefined : askedAs(model)?.method;
    if (method === undefined) called.setOptionValueWithSource("method", trained ?? "grit", "default");
  });
}

/** Adds the options of `OpenOptions` to a command, all but `--model`. */
export function addOpenOptions(command: Command): Command {
  under(command, "prompt")
    .option("--max-pixels <n>", "Qwen: largest area of an image after its resize (default: as in training)", integer(1))
    .option("--max-tiles <n>", "InternVL: most tiles an image is cut into (default: as in training)", integer(1));
  under(command, "machine")
    .option(
      "--precision <type>",
      "float32, bfloat16, or auto: bfloat16 where the device computes it natively",
      precision,
      "auto",
    )
    .option("--device <name>", "auto (a GPU if there is one), cpu or cuda:N", device, "auto");
  return command.hook("preAction", (_, called) => {
    // It loads while the data are read.
    if (called.opts<Partial<OpenOptions>>().model !== undefined) EngineThread.shared();
  });
}

/** `--model`, by folder or by hub id. */
export function modelOption(): Option {
  return new Option(
    "--model <dir or id>",
    "a folder in Hugging Face layout, a run folder (its latest checkpoint), or the hub id of a downloaded model",
  )
    .makeOptionMandatory()
    .argParser(modelNamed);
}

/** Adds the options of `SamplingOptions` to a command. */
export function addSamplingOptions(command: Command): Command {
  return under(command, "sampling")
    .option("--temperature <t>", "0 takes the likeliest token each time", number(0), 0)
    .option("--max-tokens <n>", "longest answer, in tokens", integer(1), 1000)
    .option("--seed <n>", "makes sampling repeatable", integer(0), 1);
}

/**
 * Opens the engine of these options and prints what it computes with.
 * @throws UserError when the model cannot be run so; the signal's reason when it fires
 */
export async function openModel(
  { model, precision, device, maxPixels, maxTiles }: OpenOptions,
  signal: AbortSignal,
): Promise<Engine> {
  const image = { ...askedAs(model)?.image, ...(maxPixels && { maxPixels }), ...(maxTiles && { maxTiles }) };
  console.error(`Opening ${model}`);
  const engine = await RemoteEngine.open(model, { precision, device, image }, { signal });
  console.error(engine.computing);
  return engine;
}

function precision(name: string): Precision {
  const known = PRECISIONS.find((each) => each === name);
  if (!known) throw new InvalidArgumentError(precisionAdvice(name));
  return known;
}

function device(name: string): string {
  if (!isDeviceName(name)) throw new InvalidArgumentError(`It is not a device: ${DEVICE_ADVICE}.`);
  return name;
}
