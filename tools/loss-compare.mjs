/**
 * @file `npm run loss-compare -- BEFORE [AFTER]`: trains the tiny recipe in float32 at two revisions, on this machine, and
 * compares metrics, rollouts, weights and moments bit for bit. AFTER is the working tree unless it is named. A change
 * that only moves code must leave all of them as they are.
 *
 *     node tools/loss-compare.mjs BEFORE [AFTER] [--steps 4] [--set key=value ...]
 *
 * Exit codes: 0 equal, 1 different (what differs is printed), 2 the command or a training failed.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What a line of metrics says of the machine, not of the training. */
const TIMES = ["seconds", "tokensPerSecond", "rssMB"];

const git = (...args) => execFileSync("git", ["-C", root, ...args], { encoding: "utf8" }).trim();

/** A checkout of a revision that computes with this checkout's packages and libtorch; the working tree itself without one. */
function checkout(revision, scratch) {
  if (revision === undefined) return root;
  const tree = join(scratch, revision);
  git("worktree", "add", "--detach", tree, revision);
  // Both learn from the same scenes, whatever they would render.
  for (const shared of ["node_modules", ".cache"]) symlinkSync(join(root, shared), join(tree, shared));
  const sameNative = git("diff", "--name-only", revision, "--", "native") === "";
  if (sameNative) symlinkSync(join(root, "build"), join(tree, "build"));
  else {
    const { dir } = JSON.parse(readFileSync(join(root, "build", "libtorch.json"), "utf8"));
    execFileSync(process.execPath, ["tools/setup.mjs"], { cwd: tree, env: { ...process.env, LIBTORCH: dir } });
  }
  return tree;
}

/** Trains in a checkout; gives what came out, by name. */
function outcomeOf(tree, run, overrides) {
  const args = ["bin/grit.mjs", "train", "recipes/tiny.yaml", "precision=float32", ...overrides, "--run", run];
  execFileSync(process.execPath, args, { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
  const outcome = new Map();
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  for (const line of lines.map((text) => JSON.parse(text)))
    for (const [key, value] of Object.entries(line))
      if (!TIMES.includes(key)) outcome.set(`metrics.jsonl, step ${line.step}: ${key}`, JSON.stringify(value));
  for (const folder of ["rollouts", "checkpoints"])
    for (const entry of readdirSync(join(run, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.(jsonl|safetensors)$/.test(path)) continue;
      outcome.set(path.slice(run.length + 1), createHash("sha256").update(readFileSync(path)).digest("hex"));
    }
  return outcome;
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { steps: { type: "string", default: "4" }, set: { type: "string", multiple: true, default: [] } },
  });
  const [before, after] = positionals;
  if (before === undefined || positionals.length > 2)
    throw new Error("usage: npm run loss-compare -- BEFORE [AFTER] [--steps 4] [--set key=value ...]");
  if (!existsSync(join(root, ".cache", "scenes")))
    execFileSync(process.execPath, ["bin/grit.mjs", "data", "scenes", "--out", ".cache/scenes"], { cwd: root });
  const scratch = mkdtempSync(join(tmpdir(), "grit-loss-compare-"));
  const overrides = [`steps=${values.steps}`, `save.every=${values.steps}`, ...values.set];
  try {
    const [was, is] = [before, after].map((revision, i) =>
      outcomeOf(checkout(revision, scratch), join(scratch, `run-${i}`), overrides),
    );
    const names = [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name));
    for (const name of names) console.log(`${name}\n  before  ${was.get(name)}\n  after   ${is.get(name)}`);
    const what = `${before} and ${after ?? "the working tree"}`;
    console.log(names.length > 0 ? `${what} differ in ${names.length} of ${was.size}` : `${what}: ${was.size} equal`);
    return names.length > 0 ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    git("worktree", "prune");
  }
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`loss-compare: ${error.message}`);
  process.exitCode = 2;
}
