import { expect, test } from "vitest";
import { bytes, duration, type Output, Progress } from "./progress.ts";
import { table } from "./table.ts";

function recorder(isTTY: boolean): Output & { readonly written: string[] } {
  const written: string[] = [];
  return { isTTY, columns: 30, written, write: (text: string) => written.push(text) };
}

test("a terminal has one live line, with the time left at the measured rate", () => {
  let time = 0;
  const output = recorder(true);
  const progress = new Progress({ label: "train", total: 10, done: 2, output, now: () => time });
  time = 4_000;
  progress.update(4, "reward 1.2");
  time = 4_050;
  progress.update(5);
  time = 20_000;
  progress.update(10);
  progress.finish();
  // Two steps in 4 s: six more take 12 s. The second update came too soon to be drawn; the last one always is.
  expect(output.written).toEqual(["\r\x1b[2Ktrain 4/10  12 s left  reward", "\r\x1b[2Ktrain 10/10  in 20 s", "\n"]);
});

test("elsewhere plain lines, seldom, but always the first and the last", () => {
  let time = 0;
  const output = recorder(false);
  const progress = new Progress({ label: "eval", total: 100, output, now: () => time });
  for (let done = 1; done <= 100; done++) {
    time += 1_000;
    progress.update(done);
  }
  progress.finish("eval: accuracy 0.5");
  expect(output.written[0]).toBe("eval 1/100  1 min 39 s left\n");
  expect(output.written.slice(-2)).toEqual(["eval 100/100  in 1 min 40 s\n", "eval: accuracy 0.5\n"]);
  expect(output.written).toHaveLength(12);
});

test("durations", () => {
  expect([0.4, 59.7, 200, 7_530].map(duration)).toEqual(["0 s", "1 min 00 s", "3 min 20 s", "2 h 05 min"]);
});

test("bytes", () => {
  const written = ["0 B", "999 B", "1.00 kB", "812 kB", "1.00 MB", "7.51 GB", "1.00e+3 TB"];
  expect([0, 999, 1_000, 811_900, 999_999, 7_509_245_000, 1e15].map(bytes)).toEqual(written);
});

test("bytes stand in a line as they are read", () => {
  const output = recorder(false);
  new Progress({ label: "download", total: 4_000_000, output, unit: bytes, now: () => 0 }).update(1_500_000, "a.json");
  expect(output.written).toEqual(["download 1.50 MB/4.00 MB  0 s left  a.json\n"]);
});

test("a table lines up its columns", () => {
  const rows = [
    ["set", "n", "acc"],
    ["vsr", 288, "72.9"],
    ["tallyqa", 9, ""],
  ];
  expect(table(rows)).toBe("set        n   acc\n──────────────────\nvsr      288  72.9\ntallyqa    9");
});
