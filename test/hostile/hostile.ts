/**
 * @file Hostile inputs: what a kind of them is, and how one is tried. A kind is a file in kinds/ whose default export makes
 * an input from a random stream. Each is tried by a real command in a child process; the only right end is a clear error.
 */
import { type ChildProcess, fork } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Random, stream } from "../../src/util/random.ts";
import { type Behaviour, JudgeServer, type Received } from "../judge-server.ts";

/** What is written at a path: text, bytes, a link; null removes what the base has there. */
export type Content = string | Uint8Array | { readonly link: string } | null;

/** One input. Paths in it and in the command start at a folder of its own, which `DIR` in the command stands for. */
export interface Hostile {
  /** What is wrong with it. */
  readonly name: string;
  /** Sound folders to begin with, by the place they are copied to. */
  readonly bases?: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Content>>;
  /** Arguments of `grit`. */
  readonly command: readonly string[];
  /** What the error must name: the file, the key. */
  readonly names: readonly string[];
  /** What must not be there after a refusal. */
  readonly out?: string;
  /** What a service replies, whose address stands for `SERVICE` in the text of a file. */
  readonly service?: (request: Received) => Behaviour;
  /** Ends that are right beside a clear error, by the exit code and what is in the input's folder. */
  readonly accepts?: (code: number, dir: string) => boolean;
}

/** Makes one input of a kind. */
export type Generator = (random: Random) => Hostile | Promise<Hostile>;

/** How a trial can end. Only `clear` is right; `escaped` wrote a file outside, or told the key of a service. */
export const OUTCOMES = ["clear", "unclear", "crash", "hang", "accepted", "escaped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Trial {
  readonly kind: string;
  readonly index: number;
  readonly input: Hostile;
  readonly outcome: Outcome;
  /** Why it is not clear, and what was printed. */
  readonly detail: string;
  readonly seconds: number;
}

const MOST_BYTES = 2e9;
const KINDS = fileURLToPath(new URL("kinds/", import.meta.url));

/** The names of all kinds. */
export function kinds(): string[] {
  return readdirSync(KINDS).map((file) => file.replace(/\.ts$/, ""));
}

/** The `index`th input of a kind: the same for the same seed. */
export async function makeInput(kind: string, seed: number, index: number): Promise<Hostile> {
  const { default: generate } = (await import(join(KINDS, `${kind}.ts`))) as { default: Generator };
  return generate(stream(seed, "hostile", kind, index));
}

/** Tries inputs one after another, in one child process for as long as it lives. */
export class Trials {
  readonly #scratch: string;
  readonly #seconds: number;
  #child: ChildProcess | undefined;
  #server: JudgeServer | undefined;
  #count = 0;

  /**
   * @param scratch an empty folder for the inputs; what lies beside them there must stay as it is
   * @param seconds a command may take
   */
  constructor(scratch: string, seconds: number) {
    this.#scratch = scratch;
    this.#seconds = seconds;
    for (const name of VICTIMS) writeFileSync(join(scratch, name), PRECIOUS);
  }

  /** Writes an input, runs its command, and says how that ended. The input is removed. */
  async try(kind: string, index: number, input: Hostile): Promise<Trial> {
    const dir = join(this.#scratch, `input-${this.#count++}`);
    write(dir, input, await this.#serving(input));
    const began = performance.now();
    const ended = await this.#run(input.command.map((word) => word.replaceAll("DIR", dir)));
    const seconds = (performance.now() - began) / 1000;
    const [outcome, detail] = this.#judge(input, dir, ended);
    rmSync(dir, { recursive: true, force: true });
    return { kind, index, input, outcome, detail, seconds };
  }

  async close(): Promise<void> {
    this.#kill();
    await this.#server?.stop();
  }

  #kill(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  /** The address of a server that replies as the input says; undefined where it needs none. */
  async #serving({ service }: Hostile): Promise<string | undefined> {
    if (!service) return undefined;
    this.#server ??= await new JudgeServer().start();
    this.#server.behave = service;
    this.#server.delay = 0;
    return this.#server.url;
  }

  #run(argv: readonly string[]): Promise<Ended> {
    this.#child ??= fork(fileURLToPath(new URL("child.ts", import.meta.url)), {
      env: { ...process.env, [KEY_ENV]: KEY },
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const child = this.#child;
    return new Promise((resolve) => {
      let printed = "";
      const end = (ended: Ended) => {
        clearTimeout(timer);
        child.removeAllListeners();
        child.stderr?.removeAllListeners();
        if (ended.how !== "exit" || ended.bytes > MOST_BYTES) this.#kill();
        resolve(ended);
      };
      const timer = setTimeout(() => end({ how: "hang" }), this.#seconds * 1000);
      child.stderr?.on("data", (chunk) => {
        printed += String(chunk);
      });
      child.once("message", (message) => end({ how: "exit", ...(message as Answer) }));
      child.once("exit", (code, signal) => end({ how: "death", printed: `${code ?? signal}: ${printed.slice(-500)}` }));
      child.send(argv);
    });
  }

  #judge({ names, out, service, accepts }: Hostile, dir: string, ended: Ended): [Outcome, string] {
    const harmed = VICTIMS.find((name) => readFileSync(join(this.#scratch, name), "utf8") !== PRECIOUS);
    if (harmed) {
      writeFileSync(join(this.#scratch, harmed), PRECIOUS);
      return ["escaped", `${harmed} was written`];
    }
    if (service) {
      const told = "printed" in ended && ended.printed.includes(KEY) ? "the output" : fileWith(KEY, dir);
      if (told !== undefined) return ["escaped", `the key is in ${told}`];
    }
    if (ended.how === "exit" && accepts?.(ended.code, dir)) return ["clear", ended.printed];
    const [outcome, detail] = outcomeOf(ended, names);
    if (outcome === "clear" && out && existsSync(join(dir, out)))
      return ["unclear", `${out} was left behind:\n${detail}`];
    return [outcome, detail];
  }
}

/** How a command ended, whose error must say the `names`, and what there is to see of it. */
export function outcomeOf(ended: Ended, names: readonly string[]): [Outcome, string] {
  if (ended.how === "hang") return ["hang", "it did not end in the time it had"];
  if (ended.how === "death") return ["crash", ended.printed];
  const { code, printed, bytes } = ended;
  if (bytes > MOST_BYTES) return ["hang", `took ${(bytes / 1e9).toFixed(1)} GB`];
  if (code === 0) return ["accepted", ""];
  if (code !== 2) return ["crash", printed];
  const error = printed.slice(printed.indexOf("error: ")).trimEnd();
  const fault = unclear(error, names);
  return fault ? ["unclear", `${fault}:\n${error}`] : ["clear", error];
}

/** Files beside the inputs, under names that inputs reach for. */
const VICTIMS = ["victim.txt", "victim.safetensors", "victim.json"];
const PRECIOUS = "precious";

/** The key of a service, and the variable that holds it. */
export const KEY_ENV = "GRIT_HOSTILE_KEY";
export const KEY = "sk-hostile/7Qx+39==";

/** The first file below a folder that holds a text. */
function fileWith(text: string, dir: string): string | undefined {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).find((path) => readFileSync(path).includes(text));
}

/** What a child says of one command. */
export interface Answer {
  readonly code: number;
  /** On stderr. */
  readonly printed: string;
  /** Most memory it has held so far. */
  readonly bytes: number;
}

type Ended =
  | ({ readonly how: "exit" } & Answer)
  | { readonly how: "hang" }
  | { readonly how: "death"; readonly printed: string };

/** A list of faults may name ten and count the others; a sentence that is longer than this is not read. */
const MOST_FAULTS = 11;
const LONGEST_LINE = 600;

/** Why an error is not clear: it has what is wrong, at most a list of faults, and what to do. */
function unclear(error: string, names: readonly string[]): string | undefined {
  const lines = error.split("\n");
  if (!error.startsWith("error: ")) return "it does not begin with error:";
  if (lines.some((line) => /^ +at .*:\d+/.test(line))) return "it shows a stack";
  if (lines.length < 2) return "it has no remedy";
  if (lines.length > 2 + MOST_FAULTS) return `it has ${lines.length} lines`;
  if (lines.some((line) => line.length > LONGEST_LINE)) return "a line is too long";
  const missing = names.find((name) => !error.includes(name));
  return missing === undefined ? undefined : `it does not name ${missing}`;
}

function write(dir: string, { bases, files }: Hostile, service: string | undefined): void {
  mkdirSync(dir, { recursive: true });
  for (const [place, from] of Object.entries(bases ?? {})) cpSync(from, join(dir, place), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    rmSync(path, { recursive: true, force: true });
    if (content === null) continue;
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string") writeFileSync(path, service ? content.replaceAll("SERVICE", service) : content);
    else if (content instanceof Uint8Array) writeFileSync(path, content);
    else symlinkSync(content.link, path);
  }
}
