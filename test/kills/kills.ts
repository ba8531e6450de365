/**
 * @file Kills commands at random moments and runs them again. What they leave must be what an unbroken command leaves, byte for byte
 * but for times; nothing else may be left, and no checkpoint made anew.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/util/random.ts";

/** A command that writes. `DIR` in its arguments stands for the folder of a try. */
export interface Killable {
  readonly name: string;
  readonly argv: readonly string[];
  /** Added to go on where a killed one has begun: where this file is there. */
  readonly goesOn?: { readonly file: string; readonly by: string };
  /** What it writes below `DIR`: files and folders. */
  readonly results: readonly string[];
}

/** How one try went: what is wrong with it, if anything, and how far the killed command had come. */
export interface Try {
  readonly name: string;
  readonly kills: number;
  /** Changes that the folder had seen at each kill, of about so many, e.g. `3/20`. */
  readonly at: readonly string[];
  readonly faults: readonly string[];
}

interface Ended {
  readonly code: number | null;
  readonly killed: boolean;
  readonly printed: string;
  readonly changes: number;
  readonly milliseconds: number;
}

/** When to kill: after a time, or a moment after so many changes of the folder. */
type Moment = { readonly after: number } | { readonly changes: number; readonly more: number };

const GRIT = fileURLToPath(new URL("../../bin/grit.mjs", import.meta.url));
/** Milliseconds between two looks at the folder. */
const LOOK = 2;
/** Names that only a command under way has. */
const LEFT = /\.partial(-\w+)?$|^\.partial-|^\.tmp-|\.probe$|^\.lock$/;

export class Kills {
  readonly #scratch: string;
  readonly #base: string;
  readonly #unbroken = new Map<string, { readonly contents: Contents; readonly ended: Ended }>();

  /** @param scratch an empty folder for the tries. @param base a folder of inputs, which each try begins with */
  constructor(scratch: string, base: string) {
    this.#scratch = scratch;
    this.#base = base;
  }

  /** Runs a command, kills it, at most `most` times, and runs it to its end. */
  async try(command: Killable, random: Random, most = 1): Promise<Try> {
    const wanted = await this.#unbrokenOf(command);
    const dir = this.#begin();
    const at: string[] = [];
    const faults: string[] = [];
    let saved: ReadonlyMap<string, number> = new Map();
    for (let kills = 0; kills < most; kills++) {
      const ended = await run(argvOf(command, dir), dir, momentIn(wanted.ended, random));
      if (!ended.killed) {
        if (ended.code !== 0) faults.push(`it failed before it was killed: ${ended.printed}`);
        break;
      }
      at.push(`${ended.changes}/${wanted.ended.changes}`);
      faults.push(...remade(saved, dir));
      saved = savedIn(dir);
    }
    const last = await run(argvOf(command, dir), dir);
    // A command that refuses to write over its result had come to its end when it was killed.
    const isDone = last.code === 2 && /already (exists|holds)/.test(last.printed);
    if (last.code !== 0 && !isDone) faults.push(`it does not go on: ${last.printed}`);
    faults.push(...remade(saved, dir), ...differences(contentsOf(command, dir), wanted.contents), ...leftIn(dir));
    rmSync(dir, { recursive: true });
    return { name: command.name, kills: at.length, at, faults };
  }

  async #unbrokenOf(command: Killable): Promise<{ contents: Contents; ended: Ended }> {
    const known = this.#unbroken.get(command.name);
    if (known) return known;
    const dir = this.#begin();
    const ended = await run(argvOf(command, dir), dir);
    if (ended.code !== 0) throw new Error(`${command.name} fails without a kill: ${ended.printed}`);
    const faults = leftIn(dir);
    if (faults.length > 0) throw new Error(`${command.name} leaves without a kill: ${faults.join(", ")}`);
    const found = { contents: contentsOf(command, dir), ended };
    rmSync(dir, { recursive: true });
    this.#unbroken.set(command.name, found);
    return found;
  }

  /** A folder of the same name for each try, since some results hold paths. */
  #begin(): string {
    const dir = join(this.#scratch, "try");
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    cpSync(this.#base, dir, { recursive: true });
    return dir;
  }
}

/** Half of the moments lie anywhere in time but the first, when programs load; the others right behind a change of the folder. */
function momentIn({ milliseconds, changes }: Ended, random: Random): Moment {
  if (changes === 0 || random.chance(0.5)) return { after: (0.3 + 0.7 * random.float()) * milliseconds };
  return { changes: random.int(1, changes), more: random.float() * 10 };
}

function argvOf({ argv, goesOn }: Killable, dir: string): string[] {
  const more = goesOn && existsSync(join(dir, goesOn.file)) ? [goesOn.by] : [];
  return [...argv, ...more].map((word) => word.replaceAll("DIR", dir));
}

/** Runs `grit` to its end, or to the moment at which it is killed. */
async function run(argv: readonly string[], dir: string, moment?: Moment): Promise<Ended> {
  const began = performance.now();
  const child: ChildProcess = spawn(process.execPath, [GRIT, ...argv], { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr!.on("data", (text) => (printed += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  let [seen, changes, killed] = [stateOf(dir), 0, false];
  const kill = () => {
    killed ||= child.kill("SIGKILL");
  };
  const timer = moment && "after" in moment ? setTimeout(kill, moment.after) : undefined;
  const watch = setInterval(() => {
    const now = stateOf(dir);
    if (now === seen) return;
    [seen, changes] = [now, changes + 1];
    if (moment && "changes" in moment && changes === moment.changes) setTimeout(kill, moment.more);
  }, LOOK);
  const code = await ended;
  clearInterval(watch);
  clearTimeout(timer);
  return { code, killed: killed && code === null, printed, changes, milliseconds: performance.now() - began };
}

/** The names and sizes of all files, as one text. */
function stateOf(dir: string): string {
  return filesIn(dir)
    .map((path) => `${path} ${statSync(join(dir, path), { throwIfNoEntry: false })?.size}`)
    .join("\n");
}

/** Paths of files below a folder, sorted; what vanishes meanwhile is left out. */
function filesIn(dir: string): string[] {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(dir.length + 1))
      .sort();
  } catch {
    return [];
  }
}

type Contents = ReadonlyMap<string, string>;

/** What a command has written, as text, without the times it took. */
function contentsOf({ results }: Killable, dir: string): Contents {
  const files = filesIn(dir).filter((path) => results.some((name) => path === name || path.startsWith(`${name}/`)));
  return new Map(files.map((path) => [path, timeless(path, readFileSync(join(dir, path)))]));
}

/** Without times, and without the revision of the sources, which may change meanwhile. */
function timeless(path: string, bytes: Buffer): string {
  if (path.endsWith("run.json")) {
    const { git, ...rest } = JSON.parse(bytes.toString()) as Record<string, unknown>;
    return JSON.stringify(rest);
  }
  if (!path.endsWith("metrics.jsonl")) return bytes.toString("latin1");
  const lines = bytes.toString().trimEnd().split("\n");
  return lines
    .map((line) => {
      const { seconds, tokensPerSecond, rssMB, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(rest);
    })
    .join("\n");
}

function differences(is: Contents, wanted: Contents): string[] {
  const names = [...new Set([...is.keys(), ...wanted.keys()])];
  return names.flatMap((name) => {
    if (is.get(name) === wanted.get(name)) return [];
    if (!is.has(name)) return [`${name} is missing`];
    return [wanted.has(name) ? `${name} differs` : `${name} is too much`];
  });
}

/** What only a command under way may have there. */
function leftIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  return names.filter(({ name }) => LEFT.test(name)).map(({ parentPath, name }) => `${join(parentPath, name)} is left`);
}

/** The rollouts of the steps that a checkpoint has, with when they were written: these steps need not be made again. */
function savedIn(dir: string): Map<string, number> {
  const run = join(dir, "run");
  const steps = filesIn(join(run, "checkpoints")).flatMap((path) => /^step-(\d+)\//.exec(path)?.[1] ?? []);
  const last = Math.max(0, ...steps.map(Number));
  const rollouts = filesIn(join(run, "rollouts")).filter((name) => Number(/\d+/.exec(name)?.[0]) <= last);
  return new Map(rollouts.map((name) => [name, statSync(join(run, "rollouts", name)).mtimeMs]));
}

/** The steps that a checkpoint had and that were made again. */
function remade(saved: ReadonlyMap<string, number>, dir: string): string[] {
  return [...saved].flatMap(([name, time]) => {
    const now = statSync(join(dir, "run/rollouts", name), { throwIfNoEntry: false })?.mtimeMs;
    return now === time ? [] : [`${name} was saved and is made again`];
  });
}
