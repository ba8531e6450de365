/**
 * @file The command line: the list of commands. Each is one file, loaded only when it is called, so that `grit --help` is
 * quick and a missing native library stops only the commands that compute.
 */
import { Command, CommanderError } from "commander";
import { packageVersion } from "../../tools/places.mjs";
import { exitCodeOf, Interrupted, isSystemError, messageOf, ToldElsewhere, UserError } from "../util/errors.ts";

/** One entry of the command list: what `grit --help` says of it, and how to get it. */
interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const commands: Readonly<Record<string, Entry>> = {
  quickstart: {
    summary: "render scenes, train the tiny base on twenty triplets, evaluate, report",
    load: async () => (await import("./quickstart-command.ts")).quickstartCommand(),
  },
  check: {
    summary: "check a training's recipe before anything is spent on it",
    load: async () => (await import("./check-command.ts")).checkCommand(),
  },
  train: {
    summary: "train a model with GRPO-GR by a recipe",
    load: async () => (await import("./train-command.ts")).trainCommand(),
  },
  eval: {
    summary: "answer, measure and tabulate data sets with a model",
    load: async () => (await import("./eval-command.ts")).evalCommand(),
  },
  reproduce: {
    summary: "make a table or figure of the paper, its numbers beside ours",
    load: async () => (await import("./reproduce-command.ts")).reproduceCommand(),
  },
  probe: {
    summary: "measure whether answers depend on the boxes and the reasoning",
    load: async () => (await import("./probe-command.ts")).probeCommand(),
  },
  generate: {
    summary: "write one completion for every line of a data file",
    load: async () => (await import("./generate-command.ts")).generateCommand(),
  },
  score: {
    summary: "write the log-probability of every token of given completions",
    load: async () => (await import("./score-command.ts")).scoreCommand(),
  },
  serve: {
    summary: "serve a model through OpenAI's chat interface",
    load: async () => (await import("./serve-command.ts")).serveCommand(),
  },
  export: {
    summary: "write a plain Hugging Face folder from a checkpoint, and verify it",
    load: async () => (await import("./export-command.ts")).exportCommand(),
  },
  download: {
    summary: "fetch a model from the Hugging Face hub into its cache",
    load: async () => (await import("./download-command.ts")).downloadCommand(),
  },
  pretrain: {
    summary: "supervised training: fine-tune a model, or make a small base model from nothing",
    load: async () => (await import("./pretrain-command.ts")).pretrainCommand(),
  },
  data: {
    summary: "import, check, describe or render data files",
    load: async () => (await import("./data-command.ts")).dataCommand(),
  },
  judge: {
    summary: "score given answers, by rule or by a language model",
    load: async () => (await import("./judge-command.ts")).judgeCommand(),
  },
  rewards: {
    summary: "explain the score of given completions, term by term",
    load: async () => (await import("./rewards-command.ts")).rewardsCommand(),
  },
  report: {
    summary: "write a run's report.html and print its tables",
    load: async () => (await import("./report-command.ts")).reportCommand(),
  },
  studio: {
    summary: "show runs in the browser: curves, and every chain with its boxes",
    load: async () => (await import("./studio-command.ts")).studioCommand(),
  },
  track: {
    summary: "write a run for TensorBoard, W&B, Trackio or as parquet",
    load: async () => (await import("./track-command.ts")).trackCommand(),
  },
  setup: {
    summary: "find or fetch libtorch and build the native library",
    load: async () => (await import("./setup-command.ts")).setupCommand(),
  },
  doctor: {
    summary: "say what is installed, what is missing and how to install it",
    load: async () => (await import("./doctor-command.ts")).doctorCommand(),
  },
};

/** Runs one command line (without `node` and the script). Returns the exit code; prints the error if there is one. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await (await program(argv)).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    return report(error);
  }
}

/** The whole program: the commands that `argv` names are loaded, the others are listed with their summary only. */
async function program(argv: readonly string[]): Promise<Command> {
  const grit = new Command("grit")
    .description("Teach vision-language models to think with images, by GRPO-GR.")
    .version(packageVersion());
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = argv.slice(0, 2).includes(name) ? await load() : new Command(name);
    grit.addCommand(command.summary(summary));
  }
  throwInsteadOfExit(grit);
  return grit;
}

/** Lets commander throw at a usage error or after help, so that `report` alone decides how the process ends. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const sub of command.commands) throwInsteadOfExit(sub);
}

/** What to do where the system refuses, by its code: no fault of ours, wherever it happens. */
const REFUSALS: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full. Free some space; a run continues with --resume.",
  EDQUOT: "Your quota on the disk is used up. Free some space; a run continues with --resume.",
  EROFS: "The file system is read-only. Write to another.",
  EACCES: "Check the permissions of the path.",
  EPERM: "Check the permissions of the path.",
  EMFILE: "Too many files are open. Raise the limit with: ulimit -n 4096",
};

/** Prints what the user must know of an error. Gives the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof ToldElsewhere) return error.exitCode;
  if (error instanceof Interrupted || error instanceof UserError) {
    console.error(error instanceof UserError ? `error: ${error.message}` : error.message);
    return exitCodeOf(error);
  }
  const refusal = isSystemError(error) ? REFUSALS[error.code] : undefined;
  if (refusal !== undefined) {
    console.error(`error: ${messageOf(error)}\n  ${refusal}`);
    return 2;
  }
  console.error(error);
  return exitCodeOf(error);
}
