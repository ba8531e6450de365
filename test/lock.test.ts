import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Lock } from "../tools/lock.mjs";
import { scratch } from "./tiny.ts";

const dir = scratch();
const noWait = (owner: string) => {
  throw new Error(`waits for ${owner}`);
};

test("is held by one until it is given back", async () => {
  const path = join(dir, "locks", "one");
  const order: string[] = [];
  const first = await Lock.take(path, noWait);
  const waiting = Lock.take(path, (owner) => order.push(`waits for ${owner}`)).then((second) => {
    order.push("second");
    second[Symbol.dispose]();
  });
  order.push("first");
  first[Symbol.dispose]();
  await waiting;
  expect(order).toEqual([
    expect.stringContaining(`waits for process ${process.pid} on ${hostname()} since `),
    "first",
    "second",
  ]);
  expect(existsSync(path)).toBe(false);
});

test("of a process that is gone is free at once", async () => {
  const path = join(dir, "gone");
  writeFileSync(path, `process 2147483646 on ${hostname()}`);
  using _lock = await Lock.take(path, noWait);
  expect(readFileSync(path, "utf8")).toContain(`process ${process.pid} `);
});

test("of a process that had this one's number before is free at once, as in a container that is started again", async () => {
  const path = join(dir, "again");
  writeFileSync(path, `process ${process.pid} on ${hostname()} since 2026-01-31T12:00:00.000Z`);
  using _lock = await Lock.take(path, noWait);
  await expect(Lock.take(path, noWait)).rejects.toThrow(`waits for process ${process.pid} `);
});

test("that names no process is another process's, whatever stands in it", async () => {
  const path = join(dir, "nonsense");
  writeFileSync(path, "x".repeat(1e6));
  await expect(Lock.take(path, noWait)).rejects.toThrow(/^waits for another process$/);
});

test("of another machine is free when it is no longer touched, and not before", async () => {
  const path = join(dir, "elsewhere");
  writeFileSync(path, "process 1 on another-machine");
  await expect(Lock.take(path, noWait)).rejects.toThrow("waits for process 1 on another-machine");
  const old = new Date(Date.now() - 31_000);
  utimesSync(path, old, old);
  using _lock = await Lock.take(path, noWait);
});

test("is no longer waited for after a signal", async () => {
  const path = join(dir, "signal");
  using _lock = await Lock.take(path, noWait);
  const controller = new AbortController();
  await expect(Lock.take(path, () => controller.abort(), controller.signal)).rejects.toThrow(/abort/);
});
