import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { grit } from "../../test/commands.ts";
import { trained } from "../../test/export/exchange.ts";
import { loadGolden } from "../../test/golden/golden.ts";
import { startUploads } from "../../test/hub/fake-uploads.ts";
import { differing, scratch, tensorsIn } from "../../test/tiny.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { exportModel } from "../jobs/export-model.ts";
import { builtInAnswer, proveSame } from "../jobs/export-proof.ts";
import { GRIT_SUFFIX } from "../prompt/methods.ts";
import { writeSyntheticRun } from "../report/synthetic-run.ts";
import { SafetensorsFile, writeSafetensors } from "../torch/safetensors.ts";

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

/** The same files with the same content, and a model card. */
function expectSame(to: string, from: string) {
  expect(readdirSync(to).sort()).toEqual([...readdirSync(from), "README.md"].sort());
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

  it("writes nothing outside its folder, whatever an index or a link says", async () => {
    const [from, to] = [checkpoint(place(), "sharded"), place()];
    const victim = join(dir, "victim.safetensors");
    writeFileSync(victim, "precious");
    const index = join(from, "model.safetensors.index.json");
    const sound = readFileSync(index, "utf8");
    writeFileSync(index, sound.replace(/"model-00001-of-\d+\.safetensors"/, '"../victim.safetensors"'));
    const refused = await grit("export", "--model", from, "--out", to);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('names "../victim.safetensors"') });
    writeFileSync(index, sound);
    symlinkSync("/nowhere", join(from, "dangling.txt"));
    symlinkSync(victim, join(from, "notes.txt"));
    const leaking = await grit("export", "--model", from, "--out", to);
    expect(leaking).toMatchObject({ code: 2, err: expect.stringContaining("notes.txt is a link out of the folder") });
    expect(existsSync(to)).toBe(false);
    expect(readFileSync(victim, "utf8")).toBe("precious");
    rmSync(join(from, "notes.txt"));
    expect((await grit("export", "--model", from, "--out", to)).code).toBe(0);
  });

  it("into a folder that another process writes is refused; what a killed one has left is removed", async () => {
    const [from, to] = [checkpoint(place(), "tied"), place()];
    mkdirSync(`${to}.partial`);
    writeFileSync(join(`${to}.partial`, "half"), "");
    const results = await Promise.allSettled([exportModel(from, to), exportModel(from, to)]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(String(results.flatMap((each) => (each.status === "rejected" ? [each.reason] : [])))).toMatch(
      /\.partial is in use by process \d+ on .*\n.*Wait until that ends/,
    );
    expectSame(to, checkpointDir("tied"));
    expect(existsSync(`${to}.partial`)).toBe(false);
  });

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
    expect(await refused(used, to)).toMatch(/is not a model: it has neither config\.json nor adapter_config\.json/);
    rmSync(join(cut, "tokenizer.json"));
    expect(await refused(cut, to)).toMatch(/has no tokenizer/);
    expect(readdirSync(dir).filter((entry) => join(dir, entry).startsWith(to))).toEqual([]);
  });

  it("says which python modules are to be fetched elsewhere, until they are there", async () => {
    const from = checkpoint(place(), "internvl/original");
    const config = JSON.parse(readFileSync(join(from, "config.json"), "utf8"));
    const classes = {
      AutoConfig: "configuration_internvl_chat.InternVLChatConfig",
      AutoModel: "modeling.InternVLChatModel",
    };
    writeFileSync(join(from, "config.json"), JSON.stringify({ ...config, auto_map: classes }));
    const tokenizer = { AutoTokenizer: ["tokenization.Slow", null], AutoProcessor: "someone/else--processing.Theirs" };
    const settings = JSON.parse(readFileSync(join(from, "tokenizer_config.json"), "utf8"));
    writeFileSync(join(from, "tokenizer_config.json"), JSON.stringify({ ...settings, auto_map: tokenizer }));
    const said = async () => (await grit("export", "--model", from, "--out", place())).out;
    expect(await said()).toMatch(
      /\n.*copy configuration_internvl_chat\.py, modeling\.py, tokenization\.py, .* from the model's repository/,
    );
    for (const name of ["configuration_internvl_chat", "tokenization"]) writeFileSync(join(from, `${name}.py`), "");
    expect(await said()).toMatch(/copy modeling\.py,/);
    writeFileSync(join(from, "modeling.py"), "");
    expect(await said()).toMatch(/^.* is exported to [^\n]*\n$/);
  });

  it("without a run says in its card how the model is asked, and keeps a card that is there", async () => {
    const [from, to, again] = [checkpoint(place(), "tied"), place(), place()];
    writeFileSync(join(from, "grit.json"), JSON.stringify({ method: "grit", image: { maxPixels: 3136 } }));
    expect(await grit("export", "--model", from, "--out", to)).toMatchObject({ code: 0 });
    const card = readFileSync(join(to, "README.md"), "utf8");
    expect(card).toMatch(/^---\nlibrary_name: transformers\n/);
    expect(card).toContain(`\`\`\`text\n${GRIT_SUFFIX}\n\`\`\``);
    expect(card).toContain("pixels of the resized image");
    expect(card).toContain("`maxPixels: 3136`");
    expect(card).toContain(`AutoProcessor.from_pretrained("${basename(to)}")`);
    expect(card).toContain("No run folder was there");
    writeFileSync(join(to, "README.md"), "# my words");
    expect(await grit("export", "--model", to, "--out", again)).toMatchObject({ code: 0 });
    expect(readFileSync(join(again, "README.md"), "utf8")).toBe("# my words");
  });

  it("of a run tells recipe, data, numbers with intervals, hardware and versions, and no path of this machine", async () => {
    const [run, to] = [place(), place()];
    mkdirSync(run);
    await writeSyntheticRun(run, { steps: 4, perSet: 3 });
    const recipe = {
      model: "/home/me/models--Qwen--Base/snapshots/abc",
      steps: 4,
      data: { train: ["/home/me/train.jsonl"] },
    };
    const machine = { device: "cpu", processor: "A processor", threads: 2 };
    const about = {
      recipe,
      seed: 7,
      versions: { grit: "0.3.0", libtorch: "2.13.0" },
      machine,
      git: "abcdef",
      data: { train: "1234" },
    };
    writeFileSync(join(run, "run.json"), JSON.stringify(about));
    checkpoint(join(run, "checkpoints", "step-4"), "tied");
    expect(await grit("export", "--model", run, "--out", to)).toMatchObject({ code: 0 });
    const card = readFileSync(join(to, "README.md"), "utf8");
    for (const text of [
      ...[
        "base_model: Qwen/Base",
        "4 steps of GRPO-GR",
        "- train.jsonl",
        "| train | `1234` |",
        "processor A processor",
      ],
      ...["libtorch 2.13.0", "`abcdef`", "npx grit train recipe.yaml", "vllm serve", "npx grit serve --model"],
    ])
      expect(card).toContain(text);
    expect(card).toMatch(/^\| vsr \| 3 \| [\d.]+ \([\d.]+ to [\d.]+\) \| [+−]?[\d.]+ \([^)]+\) \| 0\.\d+ /m);
    expect(card).not.toContain("/home/me");
  });

  it("uploads when asked, and only then", async () => {
    const [from, to] = [checkpoint(place(), "tied"), place()];
    const token = "hf_pushingtoken";
    const uploads = await startUploads(token);
    vi.stubEnv("HF_ENDPOINT", uploads.endpoint);
    vi.stubEnv("HF_TOKEN", token);
    await grit("export", "--model", from, "--out", to);
    expect(uploads.requests).toEqual([]);
    const pushed = await grit("export", "--model", to, "--push", "org/mine");
    expect(pushed).toMatchObject({ code: 0, out: expect.stringContaining(`${uploads.endpoint}/org/mine/commit/`) });
    expect(pushed.err).toMatch(/^upload 0 B\/\S+ \w+$/m);
    expect(pushed.err).toMatch(/^upload (\S+ \w+)\/\1 {2}in /m);
    expect([...uploads.committed.keys()].sort()).toEqual(readdirSync(to).sort());
    expect(`${pushed.out}${pushed.err}${[...uploads.committed.values()].join("")}`).not.toContain(token);
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_HOME", place());
    const refused = await grit("export", "--model", from, "--out", place(), "--push", "org/mine");
    expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/needs a token[\s\S]*HF_TOKEN/) });
    expect(await grit("export", "--model", from)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--out.*--push/),
    });
    vi.unstubAllEnvs();
  });

  it("finds an export that says something else", async () => {
    const golden = loadGolden("tied");
    const engine = await RemoteEngine.open(golden.dir, { device: "cpu", precision: "float32" });
    const logprobs = await builtInAnswer(engine);
    await engine.dispose();
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
    await expect(proveSame(golden.dir, golden.dir, logprobs)).resolves.toBeUndefined();
    const verifying = proveSame(golden.dir, changed, logprobs);
    await expect(verifying).rejects.toThrow(`${name} has other bytes in ${changed}`);
    await expect(verifying).rejects.toThrow(/log-probabilities of the built-in prompt differ by up to/);
  });
});

// Stored as float32, and as the released files are, in 16 bits.
describe.each(["tied", "released", "internvl/tied"])("grit export of an adapter for %s", (name) => {
  afterEach(() => vi.restoreAllMocks());

  const adapter = place();
  const { engine, golden } = trained(name.includes("/") ? name : `qwen2_5_vl/${name}`, {
    lora: { rank: 3, alpha: 6, dropout: 0, targets: "all-linear", parts: ["language", "vision"], seed: 4 },
  });
  engine.export(adapter);
  engine.dispose();

  /** The command, in which `change` comes between the writing of the export and its proof. */
  async function tampered(change: (to: string) => void, ...options: string[]) {
    const to = place();
    const write = RemoteEngine.prototype.export;
    vi.spyOn(RemoteEngine.prototype, "export").mockImplementation(async function (this: RemoteEngine, dir, options) {
      await write.call(this, dir, options);
      change(dir);
    });
    const { code, err } = await grit("export", "--model", adapter, "--out", to, ...options);
    expect(readdirSync(dir).filter((entry) => join(dir, entry).startsWith(to))).toEqual([]);
    return { code, err };
  }

  it("writes the adapter as it came, and proves it", async () => {
    const to = place();
    const { code, out, err } = await grit("export", "--model", adapter, "--out", to, "--verify");
    expect(code, err).toBe(0);
    expect(out).toMatch(/every tensor and the log-probabilities of a built-in prompt are the same/);
    expectSame(to, adapter);
  });

  it("finds an adapter that lost a tensor's sign", async () => {
    const negated = (to: string) => negate(join(to, "adapter_model.safetensors"));
    expect(await tampered(negated, "--verify")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/has other bytes/),
    });
  });

  it("merges it into a whole checkpoint, and proves it", async () => {
    const to = place();
    const { code, out, err } = await grit("export", "--model", adapter, "--out", to, "--merge", "--verify");
    expect(code, err).toBe(0);
    expect(out).toMatch(/the log-probabilities of a built-in prompt are those of the adapter to within \d/);
    expect(readdirSync(to).sort()).toEqual([...readdirSync(golden.dir), "README.md"].sort());
  });

  it("finds a merged checkpoint that is the base alone", async () => {
    const forgotten = (to: string) => cpSync(golden.dir, to, { recursive: true });
    const { code, err } = await tampered(forgotten, "--merge", "--verify");
    expect(code).toBe(1);
    expect(err).toMatch(/The merged export differs: .* but \S+ is allowed/);
  });
});

/** Changes the sign of the first B matrix in an adapter's file. */
function negate(path: string): void {
  const file = new SafetensorsFile(path);
  const entries = new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
  const bytes = [...entries].find(([name]) => name.includes("lora_B"))![1];
  for (let at = 3; at < bytes.length; at += 4) bytes[at]! ^= 0x80;
  writeSafetensors(path, file.entries, (entry) => entries.get(entry.name)!, file.metadata);
}
