/** @file Starts the processes of one training on this machine, as children of one parent: one log, and one end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../../tools/places.mjs";
import { ToldElsewhere, UserError } from "../util/errors.ts";

/** Milliseconds after which one that has failed is not waited for by the others' own means: they are told to stop. */
const TOLD_AFTER = 5_000;
/** Milliseconds for the last ones to end, when rank 0, or all but rank 0, have. */
const END_WITHIN = 5_000;

/**
 * Runs `grit` with these arguments in so many processes, each told its place by the variables that torchrun sets. Rank 0 has the
 * terminal; what the others write on standard error appears with their rank. Signals are passed on to all.
 * @throws ToldElsewhere when one has failed
 */
export async function launch(args: readonly string[], processes: number): Promise<void> {
  const port = await freePort();
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  const children = Array.from({ length: processes }, (_, rank) =>
    spawn(process.execPath, [join(packageRoot, "bin", "grit.mjs"), ...args], {
      // A group of their own: a terminal's Ctrl-C then comes to the parent alone, which passes it on.
      detached: true,
      stdio: rank === 0 ? ["ignore", "inherit", "inherit", "ipc"] : ["ignore", "ignore", "pipe", "ipc"],
      env: {
        OMP_NUM_THREADS: String(threads),
        ...process.env,
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: String(processes),
        LOCAL_WORLD_SIZE: String(processes),
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: String(port),
      },
    }),
  );
  let wasTold = false;
  const pass = (signal: NodeJS.Signals) => {
    wasTold = true;
    for (const child of children) child.kill(signal);
  };
  process.on("SIGINT", pass).on("SIGTERM", pass);
  try {
    const codes = await Promise.all(children.map((child, rank) => ending(child, rank, children)));
    if (codes.some((code) => code !== 0)) throw new ToldElsewhere(codes.find((code) => code) ?? (wasTold ? 130 : 1));
  } finally {
    process.off("SIGINT", pass).off("SIGTERM", pass);
  }
}

/** In a child: ends as by SIGTERM when the parent is gone. */
export function endWithParent(): void {
  if (!process.channel) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel.unref();
}

/** A child's exit code, null when a signal ended it; by then the others have been told to end if it has failed. */
async function ending(child: ChildProcess, rank: number, all: readonly ChildProcess[]): Promise<number | null> {
  if (child.stderr) createInterface(child.stderr).on("line", (line) => console.error(`rank ${rank}: ${line}`));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal) console.error(`Rank ${rank} was ended by ${signal}.`);
  if (code !== 0) afterwards(TOLD_AFTER, all, "SIGTERM");
  if (rank === 0 || all.slice(1).every(hasEnded)) afterwards(END_WITHIN, all, "SIGKILL");
  return code;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function afterwards(milliseconds: number, children: readonly ChildProcess[], signal: NodeJS.Signals): void {
  setTimeout(() => {
    for (const child of children) if (!hasEnded(child)) child.kill(signal);
  }, milliseconds).unref();
}

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new UserError("No port is free on this machine.");
  return address.port;
}
