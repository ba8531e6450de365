/**
 * @file LoRA adapters in PEFT's format: `adapter_config.json` says how the adapter is applied and to which checkpoint,
 * `adapter_model.safetensors` holds A and B of every module under `base_model.model.<module>.lora_A.weight`.
 */
import { existsSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { fileIn, readJson } from "../hub/checkpoint-files.ts";
import { anchored, modelFolder } from "../hub/resolve.ts";
import { parseConfig } from "../models/config.ts";
import { adapterNames, linearModules } from "../models/lora.ts";
import type { Model } from "../models/model.ts";
import { SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";
import { disposeAll, keep, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { Faults } from "../util/faults.ts";
import { writeWhole } from "../util/files.ts";
import { readTensor } from "./read-tensor.ts";
import type { Layout } from "./weights-io.ts";

const CONFIG = "adapter_config.json";
const TENSORS = "adapter_model.safetensors";
const PREFIX = "base_model.model.";
/** Where the file's metadata holds the base's fingerprint; PEFT passes over it. */
const BASE = "base_fingerprint";

/** What an adapter's configuration says. */
export interface AdapterConfig {
  /** The checkpoint it belongs to, as PEFT's `base_model_name_or_path` names it: by a folder or by a hub id. */
  readonly base: string;
  /** Of a base on the hub: a branch, a tag or a commit. */
  readonly revision?: string;
  readonly rank: number;
  readonly alpha: number;
  /** Share of its inputs that training drops. */
  readonly dropout: number;
}

/** Keys that say nothing of what is computed, or say it only beside one that is refused. */
const SILENT = new Set([
  ...["peft_type", "peft_version", "task_type", "auto_mapping", "inference_mode", "runtime_config"],
  ...["target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "init_lora_weights"],
  ...["qalora_group_size", "megatron_core", "ensure_weight_tying"],
]);

const config = z
  .looseObject({
    peft_type: z.literal("LORA"),
    base_model_name_or_path: z.string().min(1),
    revision: z.string().nullish(),
    r: z
      .int()
      .positive()
      .max(2 ** 16),
    lora_alpha: z.number().positive().max(1e6),
    lora_dropout: z.number().min(0).lt(1).default(0),
    bias: z.literal("none").default("none"),
    // These begin from a base that was changed beforehand.
    init_lora_weights: z.union([z.boolean(), z.enum(["gaussian", "orthogonal", "eva"])]).default(true),
  })
  .superRefine((value, context) => {
    const known = new Set([
      "base_model_name_or_path",
      "revision",
      "r",
      "lora_alpha",
      "lora_dropout",
      "bias",
      ...SILENT,
    ]);
    for (const [key, setting] of Object.entries(value))
      if (!known.has(key) && !isNeutral(setting))
        context.addIssue({ code: "custom", path: [key], message: "is set, which is not computed here" });
  });

function isNeutral(value: unknown): boolean {
  return value === null || value === false || (typeof value === "object" && Object.keys(value).length === 0);
}

/** Is this the folder of an adapter rather than of a whole checkpoint? */
export function isAdapter(dir: string): boolean {
  return existsSync(join(dir, CONFIG));
}

/** Is this the stored name of a tensor of an adapter? */
export function isAdapterTensor(stored: string): boolean {
  return stored.startsWith(PREFIX);
}

/** @throws UserError for a kind of adapter that is not computed here, naming every key that says so */
export function readAdapterConfig(dir: string): AdapterConfig {
  const found = parseConfig(config, readJson(dir, CONFIG), join(dir, CONFIG));
  return {
    base: found.base_model_name_or_path,
    ...(found.revision && { revision: found.revision }),
    rank: found.r,
    alpha: found.lora_alpha,
    dropout: found.lora_dropout,
  };
}

/**
 * The folder of an adapter's base; `dir` is the adapter's. A relative path starts where the process runs, as it does for PEFT.
 * @throws UserError when it is not there, nor in the hub's cache
 */
export function baseFolder(dir: string, { base, revision }: AdapterConfig): string {
  const name = anchored(base, process.cwd());
  const said = `${dir} is an adapter for ${base}`;
  if (isAbsolute(name)) {
    if (existsSync(name)) return name;
    throw new UserError(
      `${said}, which is not there.`,
      `Set base_model_name_or_path in ${join(dir, CONFIG)} to the folder of its base.`,
    );
  }
  try {
    return modelFolder(revision && !name.includes("@") ? `${name}@${revision}` : name);
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${said}. ${error.message}`) : error;
  }
}

/**
 * The names under which PEFT finds the base's modules, by our own: transformers' where it has the architecture, the
 * checkpoint's where it is loaded by code that it brings along, whose modules are named as its tensors.
 */
export function peftNames(dir: string, model: Model, layout: Layout): (module: string) => string {
  if (!readJson(dir, "config.json").auto_map) return (module) => module;
  const stored = layout.files.flatMap(({ tensors }) => tensors.map(({ name }) => name));
  const names = new Map(stored.map((name) => [model.canonicalName(name), name]));
  return (module) => (names.get(`${module}.weight`) ?? module).replace(/\.weight$/, "");
}

/**
 * The matrices in an adapter folder, by parameter name, as float32 on `device`. `base` is the fingerprint of the
 * checkpoint they are to change. @throws UserError when they are another's, listing every tensor that does not fit
 */
export function readAdapter(dir: string, model: Model, base: string, device: string): Map<string, Tensor> {
  const { rank } = readAdapterConfig(dir);
  const file = new SafetensorsFile(fileIn(dir, TENSORS) ?? join(dir, TENSORS));
  const remedy = `Set base_model_name_or_path in ${join(dir, CONFIG)} to the checkpoint that the adapter was trained on.`;
  const trainedOn = file.metadata?.[BASE];
  if (trainedOn !== undefined && trainedOn !== base)
    throw new UserError(`${dir} is an adapter for another base: its weights are not those it was trained on.`, remedy);

  const linear = linearModules(model);
  const wanted = new Map(
    [...linear].flatMap(([module, [out, into]]) => {
      const { a, b } = adapterNames(module);
      return [[a, [rank, into]] as const, [b, [out, rank]] as const];
    }),
  );
  const parameters = model.parameterShapes();
  const faults = new Faults();
  const elsewhere = new Set<string>();
  const stored = new Map<string, SafetensorsFile["entries"][number]>();
  for (const entry of file.entries) {
    const name = model.canonicalName(entry.name.replace(PREFIX, ""));
    const shape = wanted.get(name);
    const module = name.replace(/\.(lora_.*|base_layer\.|modules_to_save\.)?weight$|\.lora_.*$/, "");
    if (shape && shape.join() === entry.shape.join()) stored.set(name, entry);
    else if (shape) faults.add(entry.name, `is [${entry.shape}], base and rank ${rank} want [${shape}]`);
    else if (parameters.has(`${module}.weight`) || model.copyOf(`${module}.weight`)) elsewhere.add(module);
    else faults.add(entry.name, "belongs to no linear layer of the base");
  }
  if (elsewhere.size > 0)
    throw new UserError(
      `${file.path} changes ${[...elsewhere].sort().join(", ")}; computed here are only adapters of the linear layers inside language model, vision tower and connector.`,
      "Merge it into its base with PEFT (merge_and_unload) and open the result, or train it without these modules.",
    );
  for (const module of linear.keys()) {
    const { a, b } = adapterNames(module);
    if (stored.has(a) !== stored.has(b)) faults.add(module, `has ${stored.has(a) ? "A" : "B"} alone`);
  }
  if (file.entries.length === 0) faults.add(file.path, "has no matrix");
  faults.throwIfAny(`${dir} does not fit its base`, `${remedy} There, r must be the rank of its matrices.`);

  const tensors = new Map<string, Tensor>();
  try {
    for (const [name, entry] of stored) tensors.set(name, keep(tidy(() => readTensor(file, entry, "float32", device))));
  } catch (error) {
    disposeAll(tensors);
    throw error;
  }
  return tensors;
}

/** Writes an adapter folder that PEFT loads on the base. `nameOf` is that of `peftNames`, `base` the fingerprint. */
export function writeAdapter(
  dir: string,
  config: AdapterConfig,
  tensors: ReadonlyMap<string, Tensor>,
  nameOf: (module: string) => string,
  base: string,
): void {
  mkdirSync(dir, { recursive: true });
  const split = (parameter: string) => /^(.*)(\.lora_[AB]\.weight)$/.exec(parameter)!.slice(1) as [string, string];
  const stored = new Map(
    [...tensors].map(([parameter, tensor]) => {
      const [module, suffix] = split(parameter);
      return [`${PREFIX}${nameOf(module)}${suffix}`, tensor];
    }),
  );
  const infos = [...stored].map(([name, { shape }]) => ({ name, dtype: "float32" as const, shape }));
  writeSafetensors(join(dir, TENSORS), infos, ({ name }) => stored.get(name)!, {
    format: "pt",
    [BASE]: base,
  });
  const modules = [...new Set([...tensors.keys()].map((parameter) => nameOf(split(parameter)[0])))];
  const written = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: config.base,
    ...(config.revision && { revision: config.revision }),
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    // In full, so that PEFT adapts these and no namesake of theirs in another part.
    target_modules: modules,
    bias: "none",
    init_lora_weights: true,
    inference_mode: true,
  };
  writeWhole(join(dir, CONFIG), `${JSON.stringify(written, null, 2)}\n`);
}
