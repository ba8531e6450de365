#!/usr/bin/env node
/** @file The `grit` command: runs src/cli/main.ts as it stands in a clone, and its build in an installed package. */
import { existsSync } from "node:fs";

const source = new URL("../src/cli/main.ts", import.meta.url);
const isClone = existsSync(source);
if (isClone) {
  try {
    (await import("tsx/esm/api")).register();
  } catch {
    console.error("grit: the npm packages are not installed.\n  Run `npm run setup` in the repository.");
    process.exit(2);
  }
}
const { main } = await import(isClone ? source.href : new URL("../dist/src/cli/main.js", import.meta.url).href);
const code = await main(process.argv.slice(2));
process.exitCode = code;
// What was interrupted may have left reading under way that nobody waits for.
if (code === 130) process.exit();
