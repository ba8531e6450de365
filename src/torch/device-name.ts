/** @file What may be written for a device. Whether it is there is known when it is opened. */

/** Is this `auto`, `cpu` or `cuda:N`? `mirror:N` is the device of the tests (test/mirror). */
export function isDeviceName(name: string): boolean {
  return /^(auto|cpu|(cuda|mirror):\d+)$/.test(name);
}

/** What to write instead of an invalid name. */
export const DEVICE_ADVICE = "write auto, cpu or cuda:N";
