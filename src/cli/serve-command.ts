/** @file `grit serve`: a model behind OpenAI's chat interface. */
import { basename, resolve } from "node:path";
import { Command, Option } from "commander";
import type { ChatEngine } from "../serve/answers.ts";
import { checkAccess } from "../serve/guards.ts";
import { listen } from "../serve/listen.ts";
import { serveApp } from "../serve/serve-app.ts";
import { DEFAULT_QUEUE, WorkQueue } from "../serve/work-queue.ts";
import { interruptible } from "../util/interruptible.ts";
import { Interrupts } from "./interrupts.ts";
import { modelNamed } from "./model-folder.ts";
import { addOpenOptions, modelOption, type OpenOptions, openModel } from "./model-options.ts";
import { integer } from "./number-options.ts";
import { under } from "./option-groups.ts";

/** Seconds for which a server that is told to stop finishes what it has begun. */
const FINISH_SECONDS = 30;

const KEY_HELP =
  "the API key that clients must send; other users of this machine can see it in the list of processes, so better set it by";

interface Options extends OpenOptions {
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly key?: string;
  readonly allowOrigin?: readonly string[];
  readonly allowImageUrls?: boolean;
  readonly maxRunning: number;
  readonly maxWaiting: number;
}

/** The command `serve`. */
export function serveCommand(): Command {
  const command = new Command("serve").description("serve a model through OpenAI's chat interface");
  // What the user calls the model; the option's value is the folder that this means.
  let given = "";
  const named = (text: string) => {
    given = text;
    return modelNamed(text);
  };
  under(command, "input").addOption(modelOption().argParser(named));
  under(command, "server")
    .option("--name <id>", "what clients call the model (default: its folder's name); NAME:grit asks as in training")
    .option("--host <address>", "where to listen; anywhere but on this machine needs a key", "127.0.0.1")
    .option("--port <n>", "0: any free one", integer(0, 65535), 8000)
    .addOption(new Option("--key <key>", KEY_HELP).env("GRIT_KEY"))
    .option("--allow-origin <origins...>", "web pages that may ask, e.g. https://my.example")
    .option("--allow-image-urls", "fetch images that requests name by an http(s) address of the public internet")
    .option("--max-running <n>", "completions sampled at once", integer(1), DEFAULT_QUEUE.running)
    .option(
      "--max-waiting <n>",
      "further completions that may wait; others are refused",
      integer(0),
      DEFAULT_QUEUE.waiting,
    );
  return addOpenOptions(command).action((options: Options) => serve(options, options.name ?? basename(resolve(given))));
}

/** Serves until the first signal, then finishes what runs; a second signal ends the process. */
async function serve(options: Options, name: string): Promise<void> {
  const { host, port, key, allowOrigin: origins = [], allowImageUrls = false } = options;
  const access = { host, key, origins };
  checkAccess(access);
  const queue = new WorkQueue({ running: options.maxRunning, waiting: options.maxWaiting });
  const engines = new Map<string, ChatEngine>();
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  const listening = await listen(serveApp({ access, engines, queue, allowImageUrls }), { host, port });
  try {
    const opening = openModel(options, signal);
    const engine = await interruptible("Interrupted before the model was loaded.", signal, () => opening);
    try {
      engines.set(name, engine);
      console.log(`Serving ${name} at ${listening.url}/v1`);
      await fired(signal);
      const { taken } = queue.places;
      if (taken > 0) console.error(`Completions under way: ${taken}. Waiting for them, ${FINISH_SECONDS} s at most.`);
      await listening.close(FINISH_SECONDS);
    } finally {
      await engine.dispose();
    }
  } finally {
    await listening.close(0);
  }
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
