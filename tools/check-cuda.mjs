/**
 * @file `npm run check:cuda`: proves on a machine without a GPU that this working tree builds against a CUDA libtorch, loads and
 * computes: in a copy of the tree it sets up with that libtorch and runs the tests that compare with recorded numbers, on the CPU.
 * The libtorch is PyPI's oldest supported torch, a CUDA 13 build; it is fetched once, takes 5 GB, and lies in `build/cuda/`.
 *
 *     npm run check:cuda [-- TEST ...]
 *
 * Exit codes: 0 all passed, 1 something failed, 2 pip is missing or could not fetch the libtorch.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe } from "./libtorch.mjs";
import { findPip, pipFailed, runPip } from "./pip.mjs";
import { build, packageRoot } from "./places.mjs";
import { needSpace, run, Stop } from "./shell.mjs";

const TORCH = "torch==2.11.0";
/** What computes with recorded numbers, and what says why there is no GPU. */
const TESTS = ["src/torch", "src/models/golden.test.ts", "src/engine/sampler.test.ts"];

const home = join(build, "cuda");
const site = join(home, "site");
const tree = join(home, "tree");
const say = (text) => console.log(`check:cuda: ${text}`);

/** The libtorch, fetched when it is not there. */
async function libtorch() {
  const partial = join(home, "site.partial");
  if (!existsSync(site)) {
    const { python, pip } = findPip();
    if (!pip) throw new Stop("This machine has no pip.", "Install Python 3.10 or newer with pip.");
    needSpace(build, 12, TORCH);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    say(`fetching ${TORCH} and what it needs`);
    const { code, stderr } = await runPip(python, partial, "install", "--quiet", "--target", partial, TORCH);
    if (code !== 0) throw pipFailed(python, TORCH, stderr, "or check on a machine that reaches one.");
    renameSync(partial, site);
  }
  const found = describe(join(site, "torch"), site);
  if (found.fault || !found.cuda)
    throw new Stop(`${TORCH} is not a CUDA build: ${found.fault ?? "no libtorch_cuda"}.`, `Remove ${site}.`);
  return found;
}

/** The working tree as git sees it, in a folder that keeps what was built there before. */
function copyTree() {
  mkdirSync(tree, { recursive: true });
  for (const name of readdirSync(tree)) if (name !== "build") rmSync(join(tree, name), { recursive: true });
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const files = execFileSync("git", ["-C", packageRoot, ...listed], { encoding: "utf8" }).split("\0");
  for (const file of files) {
    if (file === "" || !existsSync(join(packageRoot, file))) continue;
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(packageRoot, file), join(tree, file));
  }
  symlinkSync(join(packageRoot, "node_modules"), join(tree, "node_modules"));
}

async function main() {
  const { dir, version } = await libtorch();
  copyTree();
  const options = { cwd: tree, env: { ...process.env, LIBTORCH: dir } };
  for (const args of [["tools/setup.mjs"], ["node_modules/vitest/vitest.mjs", "run", ...tests()]]) {
    const { code } = await run(process.execPath, args, options);
    if (code !== 0) return 1;
  }
  say(
    `the library builds against libtorch ${version}, a CUDA build, loads, and computes the recorded numbers on the CPU`,
  );
  return 0;
}

const tests = () => (process.argv.length > 2 ? process.argv.slice(2) : TESTS);

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error instanceof Stop ? `check:cuda: ${error.message}` : error);
    process.exitCode = error instanceof Stop ? 2 : 1;
  },
);
