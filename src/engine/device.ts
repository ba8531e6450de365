/** @file Where the engine computes, and how much memory there is. */
import { totalmem } from "node:os";
import { native } from "../torch/native.ts";
import { UserError } from "../util/errors.ts";

/** `auto` is the first GPU, else the CPU. @throws UserError for a device that is not there */
export function resolveDevice(device: string): string {
  if (device === "auto") return native.cudaDevices() > 0 ? "cuda:0" : "cpu";
  if (device.startsWith("cuda") && native.cudaDevices() === 0) {
    throw new UserError(
      `device: ${device} is not available: this libtorch finds no CUDA device.`,
      "Use `device: auto`, or set up with a CUDA build of libtorch.",
    );
  }
  return device;
}

/** All the memory of a device in bytes; of the CPU, what this process may use of it. */
export function deviceMemory(device: string): number {
  if (device !== "cpu") return native.deviceBytes(device);
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
