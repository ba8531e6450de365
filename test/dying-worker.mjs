/** @file For tests: a worker thread that dies at its first call, as one does whose JavaScript runs out of memory. */
import { parentPort } from "node:worker_threads";

parentPort.on("message", () => {
  throw Object.assign(new Error("heap exhausted"), { code: "ERR_WORKER_OUT_OF_MEMORY" });
});
