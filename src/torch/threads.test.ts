import { describe, expect, it } from "vitest";
import { UserError } from "../util/errors.ts";
import { prepareThreads, threadNote } from "./threads.ts";

describe("threads", () => {
  const prepared = (env: Record<string, string | undefined>) => {
    prepareThreads(env);
    return env.GOMP_SPINCOUNT;
  };

  it("sleep soon, unless the user has decided how they wait", () => {
    expect(prepared({})).toBe("3000");
    expect(prepared({ OMP_NUM_THREADS: "2" })).toBe("3000");
    expect(prepared({ GOMP_SPINCOUNT: "5" })).toBe("5");
    expect(prepared({ OMP_WAIT_POLICY: "active" })).toBeUndefined();
  });

  it.each(["0", "-1", "two", "", "1.5"])("OMP_NUM_THREADS=%s is refused", (count) => {
    expect(() => prepareThreads({ OMP_NUM_THREADS: count })).toThrow(UserError);
  });

  it("OpenMP's list for nested teams is a number of threads too", () => {
    expect(() => prepareThreads({ OMP_NUM_THREADS: "4,2" })).not.toThrow();
  });

  it("says when more are asked for than there are cores", () => {
    expect(threadNote(1, {})).toBe("1 thread");
    expect(threadNote(2, { OMP_NUM_THREADS: "2" })).toBe("2 threads");
    expect(threadNote(2, { OMP_NUM_THREADS: "8" })).toBe(
      "2 threads (OMP_NUM_THREADS asks for 8, but there is one core a thread)",
    );
  });
});
