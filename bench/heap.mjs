/** @file How much of this thread's heap is in use, garbage apart. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** The bytes of this thread's JavaScript heap that something still refers to. It stops the thread for some 10 ms. */
export function heapInUse() {
  collect();
  return process.memoryUsage().heapUsed;
}
