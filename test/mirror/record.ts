/** @file At the end of each test file: leaves the names of the operators that it ran where `suite.ts` counts them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { traffic } from "./traffic.ts";

afterAll(() => {
  const names = traffic()?.operators;
  if (names) writeFileSync(join(process.env.GRIT_MIRROR_TRAFFIC!, `${process.pid}.json`), JSON.stringify(names));
});
