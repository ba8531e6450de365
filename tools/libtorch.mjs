/**
 * @file Finds libtorch, PyTorch's C++ library, or fetches it. First hit wins: the folder named by `LIBTORCH`, the torch
 * of the Python on PATH, the own folder (`places.mjs`), which `fetchLibtorch` fills with the pinned build.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { findPip, pipFailed, runPip } from "./pip.mjs";
import { build, libtorch, LIBTORCH_VERSION as PINNED } from "./places.mjs";
import { ask, needSpace, Stop } from "./shell.mjs";

const OLDEST = [2, 11];
const CPU_INDEX = "https://download.pytorch.org/whl/cpu";

/** `{dir, version, source}` of the first libtorch found, or undefined; `say` hears why one was passed over. */
export function findLibtorch(say) {
  if (process.env.LIBTORCH) {
    const found = describe(resolve(process.env.LIBTORCH), "LIBTORCH");
    if (found.fault) {
      const remedy = "Set LIBTORCH to the folder that holds include/ and lib/, or unset it.";
      throw new Stop(`LIBTORCH=${process.env.LIBTORCH}: ${found.fault}.`, remedy);
    }
    return found;
  }
  for (const program of ["python3", "python"]) {
    const where =
      "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
    const dir = ask(program, "-c", where);
    if (!dir) continue;
    const found = describe(dir, `the torch of ${program}`);
    if (!found.fault) return found;
    say(`passing over the torch of ${program}: ${found.fault}`);
  }
  const own = describe(join(libtorch, "torch"), basename(libtorch));
  return own.fault ? undefined : own;
}

/** What lies in a libtorch folder: `{dir, version, cuda, source}`, or `{fault}` saying why it cannot be used. */
export function describe(dir, source) {
  if (!existsSync(join(dir, "include", "ATen", "ATen.h"))) return { fault: `no include/ATen/ATen.h in ${dir}` };
  if (!readdirSync(join(dir, "lib")).some((name) => /^libtorch\.(so|dylib)/.test(name))) {
    return { fault: `no libtorch in ${join(dir, "lib")}` };
  }
  const version = versionOf(dir);
  const [major, minor] = (version ?? "").split(".").map(Number);
  if (!version) return { fault: `no version.py and no build-version in ${dir}` };
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return { fault: `version ${version} is older than ${OLDEST.join(".")}` };
  }
  return { dir, version, cuda: existsSync(join(dir, "lib", "libtorch_cuda.so")), source };
}

/** Has this machine an NVIDIA GPU with its driver? */
export function hasGpu() {
  return ask("nvidia-smi", "-L") !== undefined;
}

/** A wheel says its version in version.py, the libtorch archive in build-version. */
function versionOf(dir) {
  const wheel = join(dir, "version.py");
  if (existsSync(wheel)) return /__version__ = '([^']+)'/.exec(readFileSync(wheel, "utf8"))?.[1];
  const archive = join(dir, "build-version");
  return existsSync(archive) ? readFileSync(archive, "utf8").trim() : undefined;
}

/**
 * Fills the own folder with the pinned build by pip. Without an NVIDIA GPU the small CPU build is taken from PyTorch's own
 * index where that can be reached, else what pip finds. `index` names another index. Returns `{downloadSeconds}`.
 */
export async function fetchLibtorch({ index, say }) {
  const { python } = findPip();
  const gpu = hasGpu();
  const partial = join(build, "libtorch.partial");
  needSpace(build, gpu ? 10 : 2, "libtorch");
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });

  const wheels = join(partial, "wheels");
  const site = join(partial, "site");
  const pip = (...args) => runPip(python, partial, ...args);
  const failed = (stderr) => pipFailed(python, `torch ${PINNED}`, stderr, "or set LIBTORCH to a libtorch folder.");
  let downloadSeconds = 0;
  const download = async (what, from, ...wanted) => {
    say(`downloading ${what} from ${from ?? "the index of pip's own configuration"}`);
    const start = performance.now();
    const result = await pip("download", "--dest", wheels, ...(from ? ["--index-url", from] : []), ...wanted);
    downloadSeconds += (performance.now() - start) / 1000;
    return result;
  };

  const torch = ["--no-deps", `torch==${PINNED}`];
  const named = index ?? (gpu || !reachable(python, CPU_INDEX) ? undefined : CPU_INDEX);
  try {
    let result = await download(`torch ${PINNED}`, named, ...torch);
    if (result.code !== 0 && named === CPU_INDEX) result = await download(`torch ${PINNED}`, undefined, ...torch);
    if (result.code !== 0) throw failed(result.stderr);
    say("unpacking");
    const unpack = (...wanted) =>
      pip("install", "--quiet", "--no-index", "--find-links", wheels, "--target", site, ...wanted);
    result = await unpack(...torch);
    if (result.code !== 0) throw failed(result.stderr);

    // A CUDA build links NVIDIA's libraries, which come as wheels of their own beside it; a CPU build needs nothing.
    if (existsSync(join(site, "torch", "lib", "libtorch_cuda.so"))) {
      const libraries = requirements(site).filter((line) => /^(nvidia|cuda)-/.test(line));
      result = await download("its CUDA libraries", index, ...libraries);
      if (result.code === 0) result = await unpack(...libraries);
      if (result.code !== 0) throw failed(result.stderr);
    }
    rmSync(libtorch, { recursive: true, force: true });
    renameSync(site, libtorch);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return { downloadSeconds };
}

/** Can this machine reach a package index within five seconds? Asked through Python, which knows pip's proxies. */
function reachable(python, url) {
  return ask(python, "-c", `import urllib.request as r; r.urlopen("${url}/torch/", timeout=5)`) !== undefined;
}

/** The requirement lines of the torch unpacked in `site`. */
function requirements(site) {
  const info = readdirSync(site).find((name) => /^torch-.*\.dist-info$/.test(name));
  const metadata = readFileSync(join(site, info, "METADATA"), "utf8");
  return [...metadata.matchAll(/^Requires-Dist: (.*)$/gm)].map((match) => match[1]);
}
