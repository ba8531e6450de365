/**
 * @file What an engine holds: parameters, an adapter or none, which are trained, and the frozen reference. All are of one
 * checkpoint.
 */

import { cpSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  type AdapterConfig,
  baseFolder,
  isAdapter,
  peftNames,
  readAdapter,
  readAdapterConfig,
  writeAdapter,
} from "../checkpoint/adapter-io.ts";
import { fingerprint, type Layout, readWeights, writeWeights, writtenParameters } from "../checkpoint/weights-io.ts";
import type { ProcessGroup } from "../distributed/process-group.ts";
import { fileIn } from "../hub/checkpoint-files.ts";
import { readModel } from "../models/architectures.ts";
import { adapterNames, chooseModules, freshAdapter, merged, type Targets } from "../models/lora.ts";
import { type Model, type Part, parts } from "../models/model.ts";
import { Weights } from "../models/weights.ts";
import { copy_, toDevice, zeros } from "../torch/ops.ts";
import { bytesOf } from "../torch/safetensors.ts";
import { type DType, disposeAll, keep, noGrad, type Tensor, tidy } from "../torch/tensor.ts";
import { UserError } from "../util/errors.ts";
import { needRoom } from "../util/files.ts";
import type { Cancellation } from "../util/interruptible.ts";
import { type Masters, WholeMasters } from "./masters.ts";
import type { HeldParameter, Offload } from "./memory.ts";
import { Offloaded, resting } from "./offload.ts";
import { ShardedMasters } from "./sharded-masters.ts";

/** A new adapter, in PEFT's words. */
export interface LoraOptions {
  readonly rank: number;
  readonly alpha: number;
  /** Share of its inputs that training drops. */
  readonly dropout: number;
  readonly targets: Targets;
  /** Where the targets are looked for. */
  readonly parts: readonly Part[];
  /** Of its first values. */
  readonly seed: number;
}

export interface PolicyOptions {
  readonly device: string;
  readonly precision: DType;
  readonly freeze: readonly Part[];
  readonly reference: boolean;
  readonly lora: LoraOptions | undefined;
  readonly offload: Offload;
  /** The processes that train together, each with a part of the masters. */
  readonly group?: ProcessGroup | undefined;
}

export type Parameter = readonly [name: string, tensor: Tensor];

/** Files that hold weights or a training state; an export writes its own, and carries over everything else. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|h5|msgpack)(\.index\.json)?$/;

export class Policy {
  readonly model: Model;
  /** The folder of the checkpoint, the base's where an adapter was opened. */
  readonly dir: string;
  readonly adapter: AdapterConfig | undefined;
  readonly precision: DType;
  /**
   * Masters: trained ones are float32; frozen ones may be held in the type of the computation. Where masters rest elsewhere, or are divided
   * among processes, the device's copies of what is trained.
   */
  readonly weights: Weights;
  readonly reference: Weights | undefined;
  /** The device's side of masters that rest in the host's memory, or are divided. */
  readonly offloaded: Offloaded | undefined;
  /** What an optimizer moves. */
  readonly masters: Masters;
  /** What is trained, whole: masters, or the device's copies where they are divided. */
  readonly trainable: readonly Parameter[];
  readonly frozen: readonly Parameter[];
  readonly #parameters: Map<string, Tensor>;
  readonly #matrices: Map<string, Tensor>;
  readonly #trained: ReadonlySet<string>;
  readonly #layout: Layout;

  /**
   * Opens a checkpoint folder, or an adapter folder and the base that it names.
   * @throws UserError when it is no checkpoint that can be run, or when nothing of it would be trained as asked
   */
  constructor(folder: string, { device, precision, freeze, reference, lora, offload, group }: PolicyOptions) {
    this.precision = precision;
    const opened = isAdapter(folder) ? readAdapterConfig(folder) : undefined;
    if (opened && lora)
      throw new UserError(
        `${folder} is an adapter already, so \`lora\` cannot begin another.`,
        "Remove `lora` to go on with this one, or name its base as the model.",
        "lora",
      );
    this.dir = opened ? baseFolder(folder, opened) : folder;
    this.model = readModel(this.dir);
    const isFrozen = (name: string) =>
      opened !== undefined || lora !== undefined || freeze.includes(this.model.partOf(name));
    const rests = offload.optimizer || group !== undefined;
    const { parameters, layout } = readWeights(
      this.dir,
      this.model,
      (name) => (rests && !isFrozen(name) ? "cpu" : device),
      (name, stored) => (isFrozen(name) && stored === precision ? precision : "float32"),
    );
    this.#parameters = parameters;
    this.#layout = layout;
    try {
      this.#matrices = this.#openAdapter(folder, rests ? "cpu" : device, lora);
    } catch (error) {
      disposeAll(parameters);
      throw error;
    }
    this.adapter =
      opened ?? (lora && { base: resolve(folder), rank: lora.rank, alpha: lora.alpha, dropout: lora.dropout });
    const adaptation = this.adapter && { scale: this.adapter.alpha / this.adapter.rank };
    const all = new Map([...parameters, ...this.#matrices]);
    const trained = ([name]: Parameter) => (this.adapter ? this.#matrices.has(name) : !isFrozen(name));
    const whole = [...all].filter(trained);
    this.#trained = new Set(whole.map(([name]) => name));
    this.frozen = [...all].filter((parameter) => !trained(parameter));
    if (rests) {
      this.offloaded = new Offloaded(whole, precision, device);
      const { copies, fetch } = this.offloaded;
      this.weights = new Weights(new Map([...all, ...copies]), "float32", adaptation, { device, fetch });
    } else this.weights = new Weights(all, "float32", adaptation);
    this.reference = reference ? this.#freeze(device, offload.reference) : undefined;
    if (group && this.offloaded) {
      this.masters = new ShardedMasters(group, whole, this.offloaded, offload.optimizer);
      this.trainable = [...this.offloaded.copies];
      for (const [name, tensor] of whole) {
        const holder = this.#matrices.has(name) ? this.#matrices : this.#parameters;
        holder.set(name, this.offloaded.copies.get(name)!);
        tensor.dispose();
      }
    } else {
      this.masters = new WholeMasters(whole, this.offloaded);
      this.trainable = whole;
    }
  }

  /** Where the gradients of what is trained arrive. */
  leaves(): Tensor[] {
    return this.trainable.map(([name, master]) => this.offloaded?.leaf(name) ?? master);
  }

  /** Parameters in all and trainable ones, by part. */
  table(): Map<Part, { total: number; trainable: number }> {
    const table = new Map(parts.map((part) => [part, { total: 0, trainable: 0 }]));
    for (const [rows, key] of [
      [[...this.trainable, ...this.frozen], "total"],
      [this.trainable, "trainable"],
    ] as const)
      for (const [name, { shape }] of rows)
        table.get(this.model.partOf(name))![key] += shape.reduce((a, b) => a * b, 1);
    return table;
  }

  readonly isTrained = (name: string): boolean => this.#trained.has(name);

  /** Is anything of these parts trained? */
  trains(...wanted: readonly Part[]): boolean {
    return this.trainable.some(([name]) => wanted.includes(this.model.partOf(name)));
  }

  /** What the memory estimate reckons with. */
  heldParameters(): HeldParameter[] {
    const held =
      (trained: boolean) =>
      ([name, { shape, dtype }]: Parameter) => ({ name, part: this.model.partOf(name), shape, dtype, trained });
    return [...this.trainable.map(held(true)), ...this.frozen.map(held(false))];
  }

  /**
   * The adapter's folder if there is an adapter, else a whole checkpoint; `merge` folds the adapter into a whole one. Of processes that
   * train together all call it, and the first writes.
   * @throws what the signal throws, asked before each tensor; the folder is then to be thrown away
   */
  export(dir: string, merge: boolean, signal?: Cancellation): void {
    tidy(() => {
      const matrices = new Map([...this.#matrices].map(([name, tensor]) => [name, this.#whole(name, tensor)]));
      if (!this.adapter || merge) this.#exportWhole(dir, matrices, signal);
      else if (this.masters.writes) {
        const base = fingerprint(this.dir, this.model, this.#layout);
        writeAdapter(dir, this.adapter, matrices, peftNames(this.dir, this.model, this.#layout), base);
      }
    });
  }

  #exportWhole(dir: string, matrices: ReadonlyMap<string, Tensor>, signal: Cancellation | undefined): void {
    const finish = (name: string, tensor: Tensor) => {
      signal?.throwIfAborted();
      return this.#withAdapter(name, this.#whole(name, tensor), matrices);
    };
    if (!this.masters.writes) {
      for (const name of writtenParameters(this.model, this.#parameters, this.#layout))
        tidy(() => finish(name, this.#parameters.get(name)!));
      return;
    }
    needRoom(dir, bytesOf(this.#layout.files.flatMap(({ tensors }) => tensors)), "the weights");
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(this.dir)) {
      // The files of a cached hub model are links; an export holds the files themselves.
      if (!WEIGHTS.test(name) && statSync(join(this.dir, name), { throwIfNoEntry: false })?.isFile())
        cpSync(fileIn(this.dir, name)!, join(dir, name), { dereference: true });
    }
    writeWeights(dir, this.model, this.#parameters, this.#layout, finish);
  }

  /** A parameter as an export has it: its master, where it is trained, from all processes. */
  #whole(name: string, tensor: Tensor): Tensor {
    if (!this.#trained.has(name)) return tensor;
    return this.masters.gathered(name, this.masters.own.find((master) => master.name === name)?.tensor);
  }

  dispose(): void {
    this.masters.dispose();
    disposeAll(this.#parameters);
    disposeAll(this.#matrices);
    this.offloaded?.dispose();
    if (!this.reference) return;
    for (const [name, tensor] of this.reference.entries()) if (tensor !== this.#parameters.get(name)) tensor.dispose();
  }

  #openAdapter(folder: string, device: string, lora: LoraOptions | undefined): Map<string, Tensor> {
    if (lora) {
      const names = peftNames(this.dir, this.model, this.#layout);
      const modules = chooseModules(this.model, lora.targets, lora.parts, names);
      return freshAdapter(this.model, modules, lora.rank, lora.seed, device);
    }
    if (!isAdapter(folder)) return new Map();
    return readAdapter(folder, this.model, fingerprint(this.dir, this.model, this.#layout), device);
  }

  /** The reference: with an adapter the base itself, else a copy of what is trained, as precise as it is computed with. */
  #freeze(device: string, rests: boolean): Weights {
    if (this.adapter) return new Weights(this.#parameters);
    const copy = (tensor: Tensor) => {
      const place = rests ? "cpu" : device;
      const made = keep(noGrad(() => copy_(zeros(tensor.shape, this.precision, place), tensor)));
      return rests ? resting(made, device) : made;
    };
    const tensors = new Map(
      [...this.#parameters].map(([name, tensor]) => [name, this.#trained.has(name) ? copy(tensor) : tensor]),
    );
    const fetch = (_: string, value: Tensor) => toDevice(value, device);
    return new Weights(tensors, "float32", undefined, rests ? { device, fetch } : undefined);
  }

  #withAdapter(name: string, tensor: Tensor, matrices: ReadonlyMap<string, Tensor>): Tensor {
    const { a, b } = adapterNames(name.replace(/\.weight$/, ""));
    const [A, B] = [matrices.get(a), matrices.get(b)];
    return A && B ? merged(tensor, A, B, this.weights.adaptation!.scale) : tensor;
  }
}
