import { expect, test } from "vitest";
import { type Output, Progress, type Stage } from "./progress.ts";
import { bytes, duration } from "./quantities.ts";
import { table } from "./table.ts";

function recorder(isTTY: boolean): Output & { readonly written: string[] } {
  const written: string[] = [];
  return { isTTY, columns: 30, written, write: (text: string) => written.push(text) };
}

test("a terminal has one live line, with the time left at the measured rate", () => {
  let time = 0;
  const output = recorder(true);
  const progress = new Progress({ label: "train", total: 10, done: 2 }, { output, now: () => time });
  time = 4_000;
  progress.update(4, "reward 1.2");
  time = 4_050;
  progress.update(5);
  time = 20_000;
  progress.update(10);
  progress.finish();
  // Two steps in 4 s: six more take 12 s. The second update came too soon to be drawn; the last one always is.
  expect(output.written).toEqual([
    "\r\x1b[2Ktrain 2/10",
    "\r\x1b[2Ktrain 4/10  12 s left  reward",
    "\r\x1b[2Ktrain 10/10  in 20 s",
    "\n",
  ]);
});

test("elsewhere plain lines, seldom, but always the first and the last", () => {
  let time = 0;
  const output = recorder(false);
  const progress = new Progress({ label: "eval", total: 100 }, { output, now: () => time });
  for (let done = 1; done <= 100; done++) {
    time += 1_000;
    progress.update(done);
  }
  progress.finish("eval: accuracy 0.5");
  expect(output.written.slice(0, 2)).toEqual(["eval 0/100\n", "eval 10/100  1 min 30 s left\n"]);
  expect(output.written.slice(-2)).toEqual(["eval 100/100  in 1 min 40 s\n", "eval: accuracy 0.5\n"]);
  expect(output.written).toHaveLength(12);
});

test("parts of a unit count for the time, and are not shown", () => {
  let time = 0;
  const output = recorder(true);
  const progress = new Progress({ label: "eval", total: 4 }, { output, now: () => time });
  time = 3_000;
  progress.update(1.5);
  expect(output.written.at(-1)).toBe("\r\x1b[2Keval 1/4  5 s left");
});

/** The seconds left that a line tells. */
function secondsLeft(line: string): number {
  const told = /(?:(\d+) h )?(?:(\d+) min )?(?:(\d+) s )?left/.exec(line)!;
  return Number(told[1] ?? 0) * 3600 + Number(told[2] ?? 0) * 60 + Number(told[3] ?? 0);
}

test("what is soon measured outweighs what was expected of a stage", () => {
  let time = 0;
  const output = recorder(false);
  // Steps are expected to take 10 times as long as answers; they take 40 times as long.
  const stages = [
    { label: "base", total: 100 },
    { label: "train", total: 10, weight: 10 },
  ] as const;
  const progress = new Progress([...stages] as [Stage, Stage], { output, now: () => time });
  for (let done = 1; done <= 100; done++) {
    time += 1_000;
    progress.update(done);
  }
  // All that is known: ten steps of ten answers each.
  expect(output.written.at(-1)).toBe("base 100/100  1 min 40 s left in all\n");
  progress.enter("train");
  for (let done = 1; done <= 10; done++) {
    time += 40_000;
    progress.update(done);
    const left = (10 - done) * 40;
    if (done < 10) expect(Math.abs(Math.log(secondsLeft(output.written.at(-1)!) / left))).toBeLessThan(Math.log(1.5));
  }
  expect(output.written.at(-1)).toBe("train 10/10  in 8 min 20 s\n");
});

test("stages that take turns have their own rates", () => {
  let time = 0;
  const output = recorder(false);
  const stages: [Stage, Stage] = [
    { label: "train", total: 8 },
    { label: "held-out", total: 40 },
  ];
  const progress = new Progress(stages, { output, now: () => time });
  for (let step = 1; step <= 8; step++) {
    time += 10_000;
    if (step % 4 === 0) {
      progress.enter("held-out", step);
      for (let done = step * 5 - 19; done <= step * 5; done++) {
        time += 500;
        progress.update(done);
      }
      progress.enter("train");
    }
    progress.update(step);
    // After the first evaluation: four steps of 10 s and twenty answers of half a second.
    // The line of step 5: three steps of 10 s and twenty answers of half a second.
    if (step === 5) expect(output.written.at(-1)).toMatch(/^train 5\/8 {2}4\d s left in all$/m);
  }
  // The last evaluation ends the work: its step is known to be done.
  expect(output.written.filter((line) => line.startsWith("held-out 40/40"))).toEqual([
    "held-out 40/40  in 1 min 40 s\n",
  ]);
  expect(output.written.at(-1)).toBe("train 8/8  in 1 min 40 s\n");
});

test("what was done before does not count for the rate, whenever it is found", () => {
  let time = 0;
  const output = recorder(false);
  const progress = new Progress({ label: "eval", total: 100 }, { output, now: () => time });
  progress.skip(50);
  time = 10_000;
  progress.update(60);
  expect(output.written.at(-1)).toBe("eval 60/100  40 s left\n");
});

test("never says that nothing is left while something is, and never NaN", () => {
  let time = 0;
  const output = recorder(false);
  const progress = new Progress({ label: "x", total: 1000 }, { output, now: () => time });
  progress.update(0);
  time = 10_000;
  progress.update(999.9);
  expect(output.written).toEqual(["x 0/1000\n", "x 999/1000  1 s left\n"]);
  const empty = recorder(false);
  new Progress({ label: "x", total: 0 }, { output: empty, now: () => 0 }).update(0);
  expect(empty.written.join("")).not.toMatch(/NaN|Infinity/);
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
  let time = 0;
  const options = { output, unit: bytes, now: () => time };
  const progress = new Progress({ label: "download", total: 4_000_000 }, options);
  time = 15_000;
  progress.update(1_500_000, "a.json");
  expect(output.written.at(-1)).toBe("download 1.50 MB/4.00 MB  25 s left  a.json\n");
});

test("a table lines up its columns", () => {
  const rows = [
    ["set", "n", "acc"],
    ["vsr", 288, "72.9"],
    ["tallyqa", 9, ""],
  ];
  expect(table(rows)).toBe("set        n   acc\n──────────────────\nvsr      288  72.9\ntallyqa    9");
});
