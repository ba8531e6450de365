/** @file The engine's worker thread, which also tells how much its heap holds. */
import "../src/engine/worker.mjs";
import { BroadcastChannel } from "node:worker_threads";

const channel = new BroadcastChannel("heap");
setInterval(() => channel.postMessage(process.memoryUsage().heapUsed), 100).unref();
