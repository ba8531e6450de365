/** @file The first lines of a worker thread: in a clone it learns TypeScript, as bin/grit.mjs teaches it to the process. */
import { existsSync } from "node:fs";
import { workerData } from "node:worker_threads";

/** The module beside this one whose `start` is the work. */
const host = workerData?.host ?? "engine-host";
const source = new URL(`${host}.ts`, import.meta.url);
const isClone = existsSync(source);
if (isClone) (await import("tsx/esm/api")).register();
const { start } = await import(isClone ? source.href : new URL(`${host}.js`, import.meta.url).href);
start();
