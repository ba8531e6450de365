/** @file The first lines of the worker thread: in a clone it learns TypeScript, as bin/grit.mjs teaches it to the process. */
import { existsSync } from "node:fs";

const source = new URL("engine-host.ts", import.meta.url);
const isClone = existsSync(source);
if (isClone) (await import("tsx/esm/api")).register();
const { hostLocalEngines } = await import(isClone ? source.href : new URL("engine-host.js", import.meta.url).href);
hostLocalEngines();
