/**
 * @file A cache that is filled here is one to huggingface_hub, which layout.py asks. It needs a Python with
 * huggingface_hub: `python3`, or the one named by GRIT_PYTHON.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { download } from "../../src/hub/download.ts";
import { scratch } from "../tiny.ts";
import { COMMIT, REPO, startHub } from "./fake.ts";

const python = process.env.GRIT_PYTHON ?? "python3";
const hasHub = spawnSync(python, ["-c", "import huggingface_hub"]).status === 0;
const script = fileURLToPath(new URL("./layout.py", import.meta.url));

test.skipIf(!hasHub).each(["main", "v1", COMMIT])("huggingface_hub finds revision %s offline", async (revision) => {
  const files = { "config.json": "{}", "merges.txt": "a b\n", "model.safetensors": "weights" };
  const { endpoint } = await startHub(files);
  const cache = scratch();
  const id = { repo: REPO, revision };
  const snapshot = await download({ endpoint, cache, token: undefined, offline: false }, id);
  const { stdout, stderr } = spawnSync(python, [script, cache, REPO, revision], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({ snapshot, files: Object.keys(files), size: 13 });
  expect(snapshot).toBe(join(cache, "models--org--model-1.5B", "snapshots", COMMIT));
});
