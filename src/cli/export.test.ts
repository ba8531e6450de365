import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grit } from "../../test/commands.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { differing, openTiny, scratch, tensorsIn } from "../../test/tiny.ts";
import { SafetensorsFile, writeSafetensors } from "../checkpoint/safetensors.ts";
import { probe, verify } from "./export.ts";

const dir = scratch();
let folders = 0;
const place = () => join(dir, String(folders++));

/** A folder as training leaves it: a checkpoint and, beside it, the trainer's state. */
function checkpoint(to: string, name: string): string {
  cpSync(checkpointDir(name), to, { recursive: true });
  mkdirSync(join(to, "trainer"));
  writeFileSync(join(to, "trainer", "state.safetensors"), "state");
  return to;
}

function expectSame(to: string, from: string) {
  expect(readdirSync(to).sort()).toEqual(readdirSync(from).sort());
  for (const file of readdirSync(from)) {
    if (file.endsWith(".safetensors"))
      expect(differing(tensorsIn(join(to, file)), tensorsIn(join(from, file)))).toEqual([]);
    else expect(readFileSync(join(to, file))).toEqual(readFileSync(join(from, file)));
  }
}

const checkpointDir = (name: string) => loadGolden(name).dir;

describe("grit export", () => {
  // Of both families every layout, in one file and in shards.
  it.each(["tied", "released", "module", "internvl/tied", "internvl/sharded", "internvl/original", "internvl/normed"])(
    "writes %s as it came, without its trainer, and proves it",
    async (name) => {
      const [from, to] = [checkpoint(place(), name), place()];
      const { code, out } = await grit("export", "--model", from, "--out", `${to}/`, "--verify");
      expect(code).toBe(0);
      expect(out).toMatch(/every tensor and the log-probabilities of a built-in prompt are the same/);
      expectSame(to, checkpointDir(name));
      expect(readdirSync(dir).filter((entry) => entry.includes("partial"))).toEqual([]);
    },
  );

  it("takes the latest checkpoint of a run", async () => {
    const [run, to] = [place(), place()];
    mkdirSync(join(run, "checkpoints"), { recursive: true });
    writeFileSync(join(run, "run.json"), "{}");
    const early = await grit("export", "--model", run, "--out", to);
    expect(early).toMatchObject({ code: 2, err: expect.stringMatching(/has no checkpoint yet/) });
    checkpoint(join(run, "checkpoints", "step-2"), "tied");
    checkpoint(join(run, "checkpoints", "step-10"), "deep");
    checkpoint(join(run, "checkpoints", ".tmp-step-11"), "tied");
    const { code, out } = await grit("export", "--model", run, "--out", to);
    expect([code, out]).toEqual([0, `${join(run, "checkpoints", "step-10")} is exported to ${to}.\n`]);
    expectSame(to, checkpointDir("deep"));
  });

  it("refuses a folder in use, and what is no checkpoint, and leaves nothing behind", async () => {
    const [used, to, cut] = [place(), place(), checkpoint(place(), "tied")];
    mkdirSync(used);
    const refused = async (model: string, out: string) => {
      const { code, err } = await grit("export", "--model", model, "--out", out);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused(checkpointDir("tied"), used)).toMatch(/already exists/);
    expect(await refused(used, to)).toMatch(/config\.json cannot be read/);
    rmSync(join(cut, "tokenizer.json"));
    expect(await refused(cut, to)).toMatch(/has no tokenizer/);
    expect(readdirSync(dir).filter((entry) => join(dir, entry).startsWith(to))).toEqual([]);
  });

  it("finds an export that says something else", async () => {
    const { engine, golden } = openTiny("tied");
    const logprobs = await probe(engine);
    engine.dispose();
    const changed = place();
    cpSync(golden.dir, changed, { recursive: true });
    const file = new SafetensorsFile(join(golden.dir, "model.safetensors"));
    const entries = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
    const name = [...entries.keys()].find((name) => name.includes("embed_tokens"))!;
    entries.get(name)!.writeFloatLE(0.5, 4 * 10);
    writeSafetensors(
      join(changed, "model.safetensors"),
      file.entries,
      (entry) => entries.get(entry.name)!,
      file.metadata,
    );
    await expect(verify(golden.dir, golden.dir, logprobs)).resolves.toBeUndefined();
    const verifying = verify(golden.dir, changed, logprobs);
    await expect(verifying).rejects.toThrow(`${name} has other bytes in ${changed}`);
    await expect(verifying).rejects.toThrow(/log-probabilities of the built-in prompt differ by up to/);
  });
});
