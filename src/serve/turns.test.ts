import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

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
  const turns = new Turns(2);
  const begun: number[] = [];
  const works = Array.from({ length: 5 }, work);
  const done = works.map(({ run }, i) =>
    turns.run(never, () => {
      begun.push(i);
      return run();
    }),
  );
  expect([turns.running, turns.waiting]).toEqual([2, 3]);
  works[1]!.end();
  await done[1];
  await setImmediate();
  expect([begun, turns.running, turns.waiting]).toEqual([[0, 1, 2], 2, 2]);
  for (const { end } of works) end();
  await Promise.all(done);
  expect([begun, turns.running, turns.waiting]).toEqual([[0, 1, 2, 3, 4], 0, 0]);
});

it("passes the turn on after work that fails", async () => {
  const turns = new Turns(1);
  const failed = turns.run(never, () => Promise.reject(new Error("no")));
  const next = turns.run(never, () => Promise.resolve("yes"));
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("yes");
  expect(turns.running).toBe(0);
});

it("forgets who gives up waiting", async () => {
  const turns = new Turns(1);
  const first = work();
  const running = turns.run(never, first.run);
  const gone = new AbortController();
  const waiting = turns.run(gone.signal, () => Promise.resolve("never"));
  const last = turns.run(never, () => Promise.resolve("last"));
  gone.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(turns.waiting).toBe(1);
  first.end();
  await running;
  expect(await last).toBe("last");
  await expect(turns.run(gone.signal, () => Promise.resolve("never"))).rejects.toThrow("gone");
});
