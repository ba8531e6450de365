/** @file The model card of an exported folder: what a reader must know to use the model, to judge it and to make it again. */

import { stringify } from "yaml";
import type { Estimate } from "../evaluation/aggregate.ts";
import type { PairedGain } from "../evaluation/statistics.ts";
import { METHODS, type MethodName } from "../prompt/methods.ts";
import type { Space } from "../records.ts";
import { fraction, fractionGain, partial, percent, points } from "./number-format.ts";

/** The numbers of one held-out set, and what changed against the base; null where there is none. */
export interface CardSet {
  readonly name: string;
  readonly samples: number;
  readonly acc: Estimate;
  readonly giou: Estimate;
  readonly accGain: PairedGain | null;
  readonly giouGain: PairedGain | null;
}

/** What is known of the training; absent where the model comes from no run. */
export interface CardRun {
  /** The resolved recipe, its paths cut to their names. */
  readonly recipe: unknown;
  /** The hash of each data set by its name, by `dataHash`. */
  readonly data: Readonly<Record<string, string>>;
  readonly steps: number;
  /** Seconds that the steps took. */
  readonly seconds: number | null;
  readonly machine: unknown;
  readonly versions: unknown;
  readonly git: string | null;
  /** Of the evaluation after training; none where no held-out set was asked. */
  readonly sets: readonly CardSet[];
}

export interface CardFacts {
  readonly name: string;
  /** A name of the hub, or of a folder. */
  readonly base: string | null;
  readonly isAdapter: boolean;
  /** Hugging Face's `model_type`. */
  readonly family: string;
  readonly boxSpace: Space;
  readonly method: MethodName | null;
  /** Image options that override the processor's files. */
  readonly image: Readonly<Record<string, unknown>>;
  readonly run: CardRun | null;
  /** Of the program that wrote it. */
  readonly version: string;
}

const SPACES: Readonly<Record<Space, string>> = {
  image: "pixels of the stored image",
  frame:
    "pixels of the resized image that the model sees, as the image processor makes it; multiply by the ratio of the sizes to have pixels of yours",
  permille: "thousandths of the image's width and height, from 0 to 1000",
};

/** The card as Markdown with its front matter. */
export function modelCard(facts: CardFacts): string {
  const { name, base, isAdapter, method, run } = facts;
  const head = {
    library_name: isAdapter ? "peft" : "transformers",
    pipeline_tag: "image-text-to-text",
    ...(base !== null && isHubId(base) && { base_model: base }),
    tags: ["grit", "grounded-reasoning", ...(isAdapter ? ["lora"] : [])],
  };
  const from =
    base === null
      ? ""
      : ` It was trained from ${isHubId(base) ? `[${base}](https://huggingface.co/${base})` : `\`${base}\``}, whose licence holds for it too.`;
  return [
    `---\n${stringify(head)}---`,
    `# ${name}`,
    `A vision-language model${isAdapter ? "'s adapter" : ""} that reasons in words and bounding boxes, by the method of [GRIT: Teaching MLLMs to Think with Images](https://arxiv.org/abs/2505.15879).${from} Made with grit-ts ${facts.version}.`,
    ...(method === null ? [] : [promptSection(method)]),
    boxSection(facts),
    usageSection(facts),
    ...(run
      ? [numbersSection(run), trainingSection(run)]
      : [
          "## Training\n\nNo run folder was there when this folder was written: recipe, data and numbers are not known.",
        ]),
  ]
    .join("\n\n")
    .concat("\n");
}

function promptSection(method: MethodName): string {
  const { suffix, stop, answer } = METHODS[method];
  const reading = answer === "tag" ? "The answer is the text after `<answer>`." : "The whole response is the answer.";
  const ends = stop.length > 0 ? ` Generation ends at ${stop.map((text) => `\`${text}\``).join(" or ")}.` : "";
  return `## Prompt\n\nMethod \`${method}\`: one user turn of the image and \`"\\nQuestion: " + question\`, followed by this text exactly:\n\n${fenced(suffix)}\n\n${reading}${ends}`;
}

function boxSection({ boxSpace, image }: CardFacts): string {
  const options = Object.entries(image).filter(([, value]) => value !== undefined && value !== false);
  const asked = options.map(([key, value]) => `\`${key}: ${value}\``).join(", ");
  return `## Boxes\n\nBoxes are \`[x1, y1, x2, y2]\` in ${SPACES[boxSpace]}.${asked === "" ? "" : ` Images were shown with ${asked}.`}`;
}

function usageSection({ name, base, isAdapter, family, method }: CardFacts): string {
  const suffix = method === null ? '""' : JSON.stringify(METHODS[method].suffix);
  const model = isAdapter ? JSON.stringify(base ?? "BASE") : JSON.stringify(name);
  const load = [
    "import torch",
    "from transformers import AutoModelForImageTextToText, AutoProcessor",
    ...(isAdapter ? ["from peft import PeftModel"] : []),
    "",
    `model = AutoModelForImageTextToText.from_pretrained(${model}, dtype=torch.bfloat16, device_map="auto")`,
    ...(isAdapter ? [`model = PeftModel.from_pretrained(model, ${JSON.stringify(name)})`] : []),
    `processor = AutoProcessor.from_pretrained(${model})`,
    `text = "\\nQuestion: " + "How many zebras are there?" + ${suffix}`,
    'content = [{"type": "image", "url": "zebras.jpg"}, {"type": "text", "text": text}]',
    'inputs = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")',
    "output = model.generate(**inputs.to(model.device), max_new_tokens=1000, do_sample=False)",
    'print(processor.decode(output[0][inputs["input_ids"].shape[1]:]))',
  ].join("\n");
  const remote =
    family === "internvl_chat" ? "\n\nThis folder has InternVL's original layout: pass `trust_remote_code=True`." : "";
  const served = isAdapter
    ? `vllm serve ${base ?? "BASE"} --enable-lora --lora-modules grit=${name}`
    : `vllm serve ${name}`;
  return [
    "## Use",
    `In transformers:\n\n${fenced(load, "python")}${remote}`,
    `In vLLM, whose server takes the same question with the suffix as the text of a user message:\n\n${fenced(served, "sh")}`,
    `With grit-ts, which adds the suffix and gives every box in pixels of your image:\n\n${fenced(`npx grit serve --model ${name}      # then ask the model "NAME:${method ?? "grit"}"`, "sh")}`,
  ].join("\n\n");
}

function numbersSection({ sets }: CardRun): string {
  if (sets.length === 0) return "## Numbers\n\nNo held-out set was asked after this training.";
  const rows = sets.map(({ name, samples, acc, giou, accGain, giouGain }) =>
    [
      name,
      samples,
      valueText(acc, percent),
      gainText(accGain, points),
      valueText(giou, fraction),
      gainText(giouGain, fractionGain),
    ].join(" | "),
  );
  return [
    "## Numbers",
    "Held-out sets after training, with 95 % intervals; a gain is paired, against the base on the same samples.",
    [
      "| set | samples | accuracy, % | gain | grounding IoU | gain |",
      "| --- | --- | --- | --- | --- | --- |",
      ...rows.map((row) => `| ${row} |`),
    ].join("\n"),
  ].join("\n\n");
}

function valueText({ value, coverage }: Estimate, write: (value: number) => string): string {
  if (!value) return coverage < 1 ? partial(coverage) : "–";
  return `${write(value.mean)} (${write(value.low)} to ${write(value.high)})`;
}

function gainText(gain: PairedGain | null, write: (value: number) => string): string {
  return gain ? `${write(gain.gain)} (${write(gain.low)} to ${write(gain.high)})` : "–";
}

function trainingSection({ recipe, data, steps, seconds, machine, versions, git }: CardRun): string {
  const hashes = Object.entries(data).map(([name, hash]) => `| ${name} | \`${hash}\` |`);
  const time = seconds === null ? "" : ` in ${Math.round(seconds)} s`;
  return [
    "## Training",
    `${steps} steps of GRPO-GR${time}. Save this recipe as \`recipe.yaml\`, beside the data that it names, and run \`npx grit train recipe.yaml --run runs/again\`:`,
    fenced(stringify(recipe).trimEnd(), "yaml"),
    ["| data | SHA-256 of samples and images |", "| --- | --- |", ...hashes].join("\n"),
    [
      "| | |",
      "| --- | --- |",
      `| hardware | ${inWords(machine)} |`,
      `| versions | ${inWords(versions)} |`,
      ...(git === null ? [] : [`| revision | \`${git}\` |`]),
    ].join("\n"),
  ].join("\n\n");
}

/** The entries of a record in a line. */
function inWords(record: unknown): string {
  if (typeof record !== "object" || record === null) return "not recorded";
  return Object.entries(record)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(", ");
}

/** A block of code that its text cannot end. */
function fenced(text: string, language = "text"): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

function isHubId(name: string): boolean {
  return /^[\w.-]+\/[\w.-]+$/.test(name);
}
