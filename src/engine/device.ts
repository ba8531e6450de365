/** @file Where the engine computes, and how much memory there is. */
import { freemem } from "node:os";
import { native } from "../torch/native.ts";
import { openCuda } from "../torch/open-cuda.ts";
import { UserError } from "../util/errors.ts";

/**
 * `auto` is a GPU, where there is one, else the CPU. Of several processes on a machine each takes the GPU of its number there.
 * @throws UserError for a device that is not there, or that all processes would take
 */
export function resolveDevice(device: string, localRank?: number): string {
  if (localRank !== undefined && /^cuda:\d+$/.test(device))
    throw new UserError(
      `device: ${device} would put all processes on one GPU.`,
      "Write device: auto, which gives each its own; CUDA_VISIBLE_DEVICES says which there are.",
      "device",
    );
  const gpu = `cuda:${localRank ?? 0}`;
  const resolved = device === "auto" ? (native.cudaDevices() > 0 ? gpu : "cpu") : device;
  if (resolved.startsWith("cuda")) openCuda(resolved);
  return resolved;
}

/** Where a step is to be computed, and the bytes that may be taken there. */
export interface Room {
  /** `cpu`, `cuda:0`, … */
  readonly device: string;
  readonly available: number;
  /** How many train together, each in such a room. Default 1. */
  readonly processes?: number;
}

/** The room there is, before anything is opened. @throws UserError for a device that is not there */
export function roomOf(device: string, localRank?: number): Room {
  const resolved = resolveDevice(device, localRank);
  return { device: resolved, available: deviceMemory(resolved) };
}

/**
 * Whether a device says that its memory is short by an error, which can be caught. A CPU's memory is not taken before it is written to,
 * and then the system ends the process.
 */
export function saysWhenShort(device: string): boolean {
  return device !== "cpu";
}

/** Bytes that this process may take of a device: those it has already, and those that nobody has. */
export function deviceMemory(device: string): number {
  if (device !== "cpu") return native.deviceBytes(device);
  const held = process.memoryUsage.rss();
  const limit = process.constrainedMemory();
  return held + Math.min(freemem(), limit > 0 ? Math.max(0, limit - held) : freemem());
}
