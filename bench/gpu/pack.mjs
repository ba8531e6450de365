/**
 * @file Packs what `run.sh` needs on a machine that has libtorch and a compiler, but no network and no Node: Node itself, compressed, its
 * headers, and the benchmark in one file.
 *
 *     node bench/gpu/pack.mjs        # writes build/gpu, beside which the repository's own files must be
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../../build/gpu");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

await build({
  entryPoints: [join(here, "bench.ts")],
  outfile: join(out, "bench.mjs"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  // The recorded numbers are looked for beside the file that reads them, the image decoder only where files are decoded.
  banner: {
    js: [
      'import { createRequire as requireFrom } from "node:module";',
      'import { fileURLToPath as pathOf } from "node:url";',
      "const require = requireFrom(import.meta.url);",
      'const golden = pathOf(new URL("../../test/golden", import.meta.url));',
    ].join("\n"),
  },
  define: { "import.meta.dirname": "golden" },
  external: ["sharp"],
});
const headers = dirname(createRequire(import.meta.url).resolve("node-api-headers/package.json"));
cpSync(join(headers, "include"), join(out, "include"), { recursive: true });
cpSync(process.execPath, join(out, "node"));
execFileSync("xz", ["--threads=0", join(out, "node")]);
const size = statSync(join(out, "node.xz")).size + statSync(join(out, "bench.mjs")).size;
console.log(`build/gpu: ${(size / 2 ** 20).toFixed(0)} MiB. There: bash bench/gpu/run.sh`);
