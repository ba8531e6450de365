/**
 * @file The native addon's surface, typed once: the only place where JavaScript meets C++. Tensors and generators are
 * integers here; `Tensor` wraps them. See native/addon.cc.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { addon, setupCommand } from "../../tools/places.mjs";
import { messageOf, UserError } from "../util/errors.ts";
import { prepareCuda } from "./cuda-environment.ts";
import { prepareThreads } from "./threads.ts";

export type Handle = number;
/** A dispatcher argument: handles stand for tensors and generators. */
export type NativeValue = number | boolean | string | null | undefined | NativeValue[];

export interface Native {
  find(name: string, overload: string): number;
  returns(op: number): string;
  call(op: number, ...args: NativeValue[]): NativeValue;
  fromBytes(bytes: ArrayBufferView, shape: readonly number[], dtype: number): Handle;
  intoBytes(tensor: Handle, bytes: ArrayBufferView): void;
  upload(place: Handle, host: Handle): void;
  beginRead(tensor: Handle): number;
  endRead(read: number, bytes: ArrayBufferView): void;
  dropRead(read: number): void;
  getBytes(tensor: Handle, offset: number, bytes: ArrayBufferView): void;
  putBytes(tensor: Handle, offset: number, bytes: ArrayBufferView): void;
  dispose(tensor: Handle): void;
  shape(tensor: Handle): number[];
  dtype(tensor: Handle): number;
  device(tensor: Handle): string;
  item(tensor: Handle): number;
  requiresGrad(tensor: Handle, on: boolean): void;
  backward(tensor: Handle, gradient?: Handle): void;
  standIn(value: Handle, leaf: Handle): Handle;
  gradOf(tensor: Handle): Handle | undefined;
  clearGrad(tensor: Handle): void;
  setGradMode(on: boolean): boolean;
  generator(device: string, seed: number): Handle;
  generatorState(generator: Handle): Handle;
  setGeneratorState(generator: Handle, state: Handle): void;
  disposeGenerator(generator: Handle): void;
  threads(count?: number): number;
  cudaDevices(): number;
  cudaFault(): string | undefined;
  chooseCudaKernels(tf32: boolean, deterministic: boolean): void;
  cudaKernels(): [cudnnAttention: boolean, tf32: boolean, deterministic: boolean];
  live(): [tensors: number, bytes: number];
  meter(on: boolean): void;
  metered(): [now: number, peak: number];
  deviceBytes(device: string): number;
  recordsWork(device: string): boolean;
  beginRecording(device: string): void;
  endRecording(result: Handle): number;
  abandonRecording(): void;
  replay(recording: number): Handle;
  disposeRecording(recording: number): void;
  openStore(host: string, port: number, serves: boolean, prefix: string, timeoutMs: number): void;
  storeSet(key: string, value: string): void;
  storeGet(key: string, timeoutMs: number): string | undefined;
  joinGroup(rank: number, size: number, local: boolean, cuda: boolean, timeoutMs: number): void;
  leaveGroup(): void;
  allReduce(tensor: Handle, how: "sum" | "max"): void;
  reduce(tensor: Handle, root: number): void;
  broadcast(tensor: Handle, root: number): void;
  version(): string;
  selfTest(): string;
}

function load(): Native {
  if (!existsSync(addon)) {
    throw new UserError(`The native library is not built: ${addon} is missing.`, `Run \`${setupCommand}\`.`);
  }
  prepareThreads();
  prepareCuda();
  try {
    return createRequire(import.meta.url)(addon) as Native;
  } catch (error) {
    throw new UserError(
      `The native library does not load: ${messageOf(error)}`,
      `Run \`${setupCommand}\` to rebuild it.`,
    );
  }
}

/** Called for a function that `native` does not have yet: loads the library and copies its functions into `native`. */
const unloaded = new Proxy({} as Native, {
  get: (_, name: keyof Native) => Object.assign(native, load())[name],
});

/**
 * The library, loaded at the first call of one of its functions: importing this file loads no native code.
 * @throws UserError at that first call, when the library is not built or does not load
 */
export const native: Native = Object.create(unloaded);
