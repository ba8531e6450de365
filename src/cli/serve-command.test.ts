import { describe, expect, it } from "vitest";
import { checkpointDir, grit } from "../../test/commands.ts";

const model = ["--model", checkpointDir("tied")];

describe("grit serve", () => {
  it.each([
    [["--host", "0.0.0.0"], /Listening at 0\.0\.0\.0 lets other machines ask, and there is no key/],
    [["--key", "a b"], /header cannot carry/],
    [["--allow-origin", "my.example"], /my\.example is not an origin/],
    [["--port", "-1"], /Expected a number >= 0/],
    [["--port", "65536"], /at most 65535/],
    [["--model", "none"], /none: no such folder/],
    [["--max-running", "0"], />= 1/],
  ])("refuses %j before it opens the model", async (options, message) => {
    const { code, err } = await grit("serve", ...model, ...options);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/Opening/);
  });
});
