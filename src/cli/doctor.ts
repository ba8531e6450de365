/** @file `grit doctor`: what is installed, what is missing, and how to mend it. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { UserError } from "../errors.ts";

/** One thing looked at: what was found, or else how to mend it. */
interface Finding {
  readonly name: string;
  readonly found: string | undefined;
  readonly remedy: string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const setup = "Run `npm run setup`.";

/** The command `doctor`. */
export function doctorCommand(): Command {
  return new Command("doctor").description("say what is installed, what is missing and how to mend it").action(() => {
    const width = 18;
    const say = (mark: string, name: string, text: string) => console.log(`${mark} ${name.padEnd(width)} ${text}`);
    const parts = builtParts();
    for (const { name, found, remedy } of [...buildTools(), ...parts])
      say(found ? "✓" : "✗", name, found ?? `missing. ${remedy}`);
    for (const [name, text] of machine()) say("·", name, text);
    const missing = parts.filter(({ found }) => !found);
    if (missing.length > 0) {
      throw new UserError(
        `missing: ${missing.map(({ name }) => name).join(", ")}`,
        "The lines above say how to mend it.",
      );
    }
  });
}

/** Programs that set-up needs. Once it has built, only Node.js is needed: lacking one is no failure. */
function buildTools(): Finding[] {
  const [python, pip] = [
    ["python3", "--version"],
    ["python3", "-m", "pip", "--version"],
  ].map((words) => ask(...words));
  return [
    { name: "Node.js", found: process.version, remedy: "" },
    {
      name: "C++ compiler",
      found: ask(process.env.CXX ?? "c++", "--version"),
      remedy: "Debian, Ubuntu: apt install g++.",
    },
    { name: "CMake", found: ask("cmake", "--version"), remedy: "Debian, Ubuntu: apt install cmake make." },
    { name: "Python", found: python, remedy: "Install Python 3.10 or newer; it fetches libtorch." },
    { name: "pip", found: pip?.split(" from ")[0], remedy: "Debian, Ubuntu: apt install python3-pip." },
  ];
}

/** What set-up makes, and the model that comes with the project. */
function builtParts(): Finding[] {
  const record = join(root, "build", "libtorch.json");
  const libtorch = existsSync(record)
    ? (JSON.parse(readFileSync(record, "utf8")) as Record<string, string>)
    : undefined;
  const base = join(root, "models", "grit-tiny-base");
  return [
    {
      name: "libtorch",
      found:
        libtorch && existsSync(libtorch.dir!)
          ? `${libtorch.version} from ${libtorch.source} (${libtorch.dir})`
          : undefined,
      remedy: setup,
    },
    { name: "native library", found: ask(process.execPath, join(root, "tools", "verify.mjs")), remedy: setup },
    {
      name: "tiny base model",
      found: existsSync(join(base, "config.json")) ? base : undefined,
      remedy: "Restore models/grit-tiny-base from the repository.",
    },
  ];
}

/** What the machine offers; nothing here can be missing. */
function machine(): [name: string, text: string][] {
  const { bavail, bsize } = statfsSync(root);
  const gpu = ask("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader");
  return [
    ["cores, memory", `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GB`],
    ["free disk space", `${((bavail * bsize) / 2 ** 30).toFixed(0)} GB`],
    ["NVIDIA GPU", gpu ?? "none: training runs on the CPU"],
  ];
}

/** The first line a program prints, or undefined when it is missing or fails. */
function ask(...[program, ...args]: string[]): string | undefined {
  const { status, stdout } = spawnSync(program!, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}
