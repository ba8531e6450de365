/** @file `grit doctor`: says what is installed, what is missing, and how to install it. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { findTools } from "../../tools/cmake.mjs";
import { findPip } from "../../tools/pip.mjs";
import { build, packageRoot, setupCommand } from "../../tools/places.mjs";
import { howToInstall, supportOf, thisSystem } from "../../tools/system.mjs";
import { computeType } from "../torch/precision.ts";
import { processor } from "../torch/processor.ts";
import { UserError } from "../util/errors.ts";

/** One thing that was checked: what was found, or how to get it. */
interface Finding {
  readonly name: string;
  readonly found: string | undefined;
  readonly remedy: string;
}

const setup = `Run \`${setupCommand}\`.`;
const verify = fileURLToPath(new URL("../../tools/verify.mjs", import.meta.url));
const marks = { supported: "✓", untested: "·", unsupported: "✗" };

/** The command `doctor`. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what is installed, what is missing and how to install it")
    .action(() => {
      const width = 18;
      const say = (mark: string, name: string, text: string) => console.log(`${mark} ${name.padEnd(width)} ${text}`);
      const parts = builtParts();
      const tools = findTools(() => {});
      const { name: platform, level, advice } = supportOf(thisSystem());
      say(marks[level], "platform", level === "supported" ? platform : `${platform} (${level}). ${advice}`);
      for (const { name, found, remedy } of [...programs(tools.compiler), ...parts])
        say(found ? "✓" : "✗", name, found ?? `missing. ${remedy}`);
      for (const [name, text] of machine(tools)) say("·", name, text);
      const missing = parts.filter(({ found }) => !found);
      if (missing.length > 0) {
        throw new UserError(
          `missing: ${missing.map(({ name }) => name).join(", ")}`,
          "The lines above say how to install it.",
        );
      }
    });
}

/** Programs that set-up needs. Once it has built, only Node.js is needed: lacking one is no failure. */
function programs(compiler: string | undefined): Finding[] {
  const system = thisSystem();
  const { python, pip } = findPip();
  const installPip = howToInstall(system, ["pip"]);
  return [
    { name: "Node.js", found: process.version, remedy: "" },
    { name: "C++ compiler", found: compiler && ask(compiler, "--version"), remedy: howToInstall(system, ["compiler"]) },
    { name: "Python", found: python && ask(python, "--version"), remedy: `It fetches libtorch. ${installPip}` },
    { name: "pip", found: pip?.split(" from ")[0], remedy: installPip },
  ];
}

/** What set-up makes, and the model that comes with the project. */
function builtParts(): Finding[] {
  const record = join(build, "libtorch.json");
  const libtorch = existsSync(record)
    ? (JSON.parse(readFileSync(record, "utf8")) as Record<string, string>)
    : undefined;
  const base = join(packageRoot, "models", "grit-tiny-base");
  return [
    {
      name: "libtorch",
      found:
        libtorch && existsSync(libtorch.dir!)
          ? `${libtorch.version} from ${libtorch.source} (${libtorch.dir})`
          : undefined,
      remedy: setup,
    },
    { name: "native library", found: ask(process.execPath, verify), remedy: setup },
    {
      name: "tiny base model",
      found: existsSync(join(base, "config.json")) ? base : undefined,
      remedy: "Restore models/grit-tiny-base from the repository.",
    },
  ];
}

/** What the machine offers; all of it is optional. */
function machine({ cmake, ninja, make }: ReturnType<typeof findTools>): [name: string, text: string][] {
  const fetched = "none: set-up fetches it by pip";
  const { bavail, bsize } = statfsSync(packageRoot);
  const gpu = ask("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader");
  return [
    ["CMake", cmake ?? fetched],
    ["ninja or make", ninja ?? make ?? fetched],
    ["made by set-up in", build],
    ["processor", processorNote()],
    ["cores, memory", `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GB`],
    ["free disk space", `${((bavail * bsize) / 2 ** 30).toFixed(0)} GB`],
    ["NVIDIA GPU", gpu ?? "none: training runs on the CPU"],
  ];
}

/** The processor, and what `precision: auto` becomes on it. */
function processorNote(): string {
  const { name, bfloat16 } = processor();
  const words = {
    native: "has bfloat16 instructions",
    emulated: "has no bfloat16 instructions",
    unknown: "its flags cannot be read",
  };
  return `${name}: ${words[bfloat16]}; precision: auto computes in ${computeType("auto", "cpu")}`;
}

/** The first line a program prints, or undefined when it is missing or fails. */
function ask(...[program, ...args]: string[]): string | undefined {
  const { status, stdout } = spawnSync(program!, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}
