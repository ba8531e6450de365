import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { WorkQueue } from "./work-queue.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function work() {
  let end = () => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { run: () => promise, end: () => end() };
}

it("runs so many at once, the others in the order in which they came", async () => {
  const queue = new WorkQueue({ running: 2, waiting: 9 });
  const begun: number[] = [];
  const works = Array.from({ length: 5 }, work);
  const done = works.map(({ run }, i) =>
    queue.run(never, () => {
      begun.push(i);
      return run();
    }),
  );
  expect([queue.running, queue.waiting]).toEqual([2, 3]);
  works[1]!.end();
  await done[1];
  await setImmediate();
  expect([begun, queue.running, queue.waiting]).toEqual([[0, 1, 2], 2, 2]);
  for (const { end } of works) end();
  await Promise.all(done);
  expect([begun, queue.running, queue.waiting]).toEqual([[0, 1, 2, 3, 4], 0, 0]);
});

it("passes the turn on after work that fails", async () => {
  const queue = new WorkQueue({ running: 1, waiting: 1 });
  const failed = queue.run(never, () => Promise.reject(new Error("no")));
  const next = queue.run(never, () => Promise.resolve("yes"));
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("yes");
  expect(queue.running).toBe(0);
});

it("forgets who gives up waiting", async () => {
  const queue = new WorkQueue({ running: 1, waiting: 2 });
  const first = work();
  const running = queue.run(never, first.run);
  const gone = new AbortController();
  const waiting = queue.run(gone.signal, () => Promise.resolve("never"));
  const last = queue.run(never, () => Promise.resolve("last"));
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(queue.waiting).toBe(1);
  first.end();
  await running;
  expect(await last).toBe("last");
  await expect(queue.run(gone.signal, () => Promise.resolve("never"))).rejects.toThrow("gone");
});

it("refuses more than it has room for, until places are given back", () => {
  const queue = new WorkQueue({ running: 1, waiting: 2 });
  queue.take(3);
  expect(() => queue.take(1)).toThrow(expect.objectContaining({ status: 429, headers: { "Retry-After": "1" } }));
  queue.give(2);
  queue.take(2);
  expect(queue.taken).toBe(3);
});
