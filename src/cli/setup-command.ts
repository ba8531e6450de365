/** @file `grit setup`: what `npm run setup` does in a clone, for an installed package. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { UserError } from "../util/errors.ts";

/** The command `setup`. */
export function setupCommand(): Command {
  return new Command("setup")
    .description("find or fetch libtorch and what builds the native library, build it and check that it computes")
    .option("--quiet", "keep what is in place and print nothing if all is")
    .option("--index <url>", "the package index to fetch libtorch from, and CMake and ninja if it has them")
    .action(({ quiet, index }: { quiet?: boolean; index?: string }) => {
      setUp([...(quiet ? ["--quiet"] : []), ...(index === undefined ? [] : ["--index", index])]);
    });
}

/** Runs set-up in a process of its own, which says what it does. @throws UserError when it fails */
export function setUp(args: readonly string[] = []): void {
  const script = fileURLToPath(new URL("../../tools/setup.mjs", import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: "inherit" });
  if (status !== 0) throw new UserError("Set-up has failed.", "Its lines above say what to do.");
}
