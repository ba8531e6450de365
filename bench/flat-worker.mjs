/** @file The engine's worker thread, which also tells how much its heap holds. */
import "../src/engine/worker.mjs";
import { BroadcastChannel } from "node:worker_threads";
import { heapInUse } from "./heap.mjs";

const channel = new BroadcastChannel("heap");
setInterval(() => channel.postMessage(heapInUse()), 500).unref();
