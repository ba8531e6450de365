#!/usr/bin/env node
/** @file The `grit` command: runs src/cli/main.ts as it stands, without a build step. */
let register;
try {
  ({ register } = await import("tsx/esm/api"));
} catch {
  console.error("grit: the npm packages are not installed.\n  Run `npm run setup` in the repository.");
  process.exit(2);
}
register();
const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv.slice(2));
