import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { main } from "./main.ts";

test("a folder that is not there is refused", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  expect(await main(["studio", "runs/no-such-run"])).toBe(2);
  expect(told.mock.calls.flat().join("\n")).toMatch(/runs\/no-such-run: no such folder/);
  told.mockRestore();
});

test("it says where it listens, and ends when it is told to", async () => {
  const studio = spawn(process.execPath, ["bin/grit.mjs", "studio", "docs", "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(studio, "exit");
  const [said] = (await once(studio.stdout.setEncoding("utf8"), "data")) as [string];
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)![0];
  expect(await (await fetch(`${address}/api/runs`)).json()).toMatchObject({ runs: [] });
  studio.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
});
