import { configDefaults, defineConfig } from "vitest/config";

/** `npm test` leaves out what takes long or depends on time; `npm run test:long` runs just that. */
const long = process.env.GRIT_TESTS === "long";
/** `npm run test:mirror` runs what computes on a device that refuses what a GPU would (test/mirror/). */
const mirror = process.env.GRIT_TEST_DEVICE === "mirror";

export default defineConfig({
  test: {
    include: long ? ["{src,test}/**/*.long.test.ts"] : ["{src,test}/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(long ? [] : ["**/*.long.test.ts"]), ...(mirror ? [] : ["test/mirror/**"])],
    ...(mirror && { globalSetup: "test/mirror/suite.ts", setupFiles: "test/mirror/record.ts" }),
    // The native library is not safe to unload, and two cores are shared by all files: one process, one file at a time.
    pool: "forks",
    fileParallelism: false,
    // A slow or busy machine is no failure: the limits only end what hangs.
    testTimeout: long ? 1_800_000 : 600_000,
    hookTimeout: long ? 1_800_000 : 600_000,
  },
});
