import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { grit, readLines, writeLines } from "../../test/commands.ts";
import { JudgeServer } from "../../test/judge-server.ts";

let dir: string;
let out: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "grit-judge-"));
  out = join(dir, "out.jsonl");
});
afterEach(() => rmSync(dir, { recursive: true }));

const lines = [
  { id: "a", question: "How many?", answer: "2", response: "two" },
  { question: "Which?", answer: "dog", response: "(A)", choices: ["cat", "dog"], answer_type: "text" },
  { id: "c", question: "What?", answer: "a cow", response: "a bovine", choices: null },
];
const judge = (data: readonly unknown[], ...options: string[]) =>
  grit("judge", "--data", writeLines(join(dir, "in.jsonl"), data), "--out", out, ...options);

describe("grit judge", () => {
  it("scores by rule unless told otherwise", async () => {
    expect(await judge(lines)).toMatchObject({ code: 0, out: expect.stringContaining("3 of 3 answers scored") });
    expect(readLines(out)).toEqual([
      { id: "a", score: 1 },
      { id: "2", score: 0 },
      { id: "c", score: 0 },
    ]);
  });

  it("names every fault and writes nothing", async () => {
    const { code, err } = await judge([
      '{"id"',
      { ...lines[0], answer: 2 },
      { ...lines[0], choices: "ab" },
      lines[0],
      lines[0],
    ]);
    expect(code).toBe(2);
    for (const fault of [
      /:1: is not JSON/,
      /:2: answer: is not a/,
      /:3: choices: is not a/,
      /:5: id: is "a", as in line 4/,
    ])
      expect(err).toMatch(fault);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    ["exakt", /did you mean exact\?/],
    ["none.yaml", /none\.yaml: cannot be read/],
  ])("refuses the judge %s", async (name, message) => {
    expect(await judge(lines, "--judge", name)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });

  describe("with a file of settings", () => {
    let server: JudgeServer;
    beforeEach(async () => {
      server = await new JudgeServer().start();
      process.env.GRIT_TEST_KEY = "key";
      writeFileSync(
        join(dir, "judge.yaml"),
        `name: exact-then-openai\nopenai: { base_url: ${server.url}, key_env: GRIT_TEST_KEY, cache: verdicts, patience: 0 }\n`,
      );
    });
    afterEach(async () => {
      await server.stop();
      delete process.env.GRIT_TEST_KEY;
    });

    it("asks what rules cannot tell, and says what could not be scored", async () => {
      server.behave = ({ text }) =>
        text.includes("a mystery") ? { status: 400, message: "filtered", error: { code: "content_filter" } } : "judge";
      const { code, out: said } = await judge(
        [...lines, { ...lines[2], id: "d", response: "a mystery" }],
        "--judge",
        join(dir, "judge.yaml"),
      );
      expect(code).toBe(0);
      expect(said).toContain("3 of 4 answers scored");
      expect(readLines(out).slice(2)).toEqual([
        { id: "c", score: 0.25 },
        { id: "d", score: null, reason: "HTTP 400: filtered" },
      ]);
      expect(readFileSync(join(dir, "verdicts/ledger.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(6);
    });

    it("stops with 130 when the service is out, and goes on from its cache", async () => {
      server.behave = (_, n) => (n < 2 ? "judge" : { status: 500 });
      const many = Array.from({ length: 30 }, (_, n) => ({ ...lines[2], id: `${n}`, question: `What ${n}?` }));
      const { code, err } = await judge(many, "--judge", join(dir, "judge.yaml"));
      expect(code).toBe(130);
      expect(err).toContain("has stopped answering (HTTP 500");
      expect(existsSync(out)).toBe(false);
      server.behave = () => "judge";
      expect(await judge(many, "--judge", join(dir, "judge.yaml"))).toMatchObject({ code: 0 });
      expect(readLines(out)).toEqual(many.map(({ id }) => ({ id, score: 0.25 })));
    });

    it("starts nothing without a key", async () => {
      delete process.env.GRIT_TEST_KEY;
      const { code, err } = await judge(lines, "--judge", join(dir, "judge.yaml"));
      expect(code).toBe(2);
      expect(err).toContain("GRIT_TEST_KEY is not set");
    });
  });
});
