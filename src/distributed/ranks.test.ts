import { expect, test } from "vitest";
import { worldOf } from "./ranks.ts";

const TORCHRUN = {
  RANK: "3",
  LOCAL_RANK: "1",
  WORLD_SIZE: "4",
  LOCAL_WORLD_SIZE: "2",
  MASTER_ADDR: "node-0",
  MASTER_PORT: "29500",
  TORCHELASTIC_USE_AGENT_STORE: "True",
  TORCHELASTIC_RESTART_COUNT: "2",
};

test("a process without the variables is alone, and so is one of one", () => {
  expect(worldOf({})).toBeUndefined();
  expect(worldOf({ ...TORCHRUN, WORLD_SIZE: "1", RANK: "0" })).toBeUndefined();
});

test("torchrun says who a process is, and that it holds the store itself", () => {
  expect(worldOf(TORCHRUN)).toEqual({
    rank: 3,
    size: 4,
    localRank: 1,
    local: false,
    address: "node-0",
    port: 29500,
    opensStore: false,
    attempt: 2,
  });
  expect(worldOf({ ...TORCHRUN, WORLD_SIZE: "2", RANK: "1" })?.local).toBe(true);
});

test.each([
  [{ RANK: "4" }, /RANK is "4", not a whole number from 0 to 3/],
  [{ WORLD_SIZE: "two" }, /WORLD_SIZE is "two"/],
  [{ LOCAL_RANK: undefined }, /LOCAL_RANK is not set, but WORLD_SIZE is/],
  [{ LOCAL_RANK: "2" }, /LOCAL_RANK is "2", not a whole number from 0 to 1/],
  [{ MASTER_ADDR: undefined }, /MASTER_ADDR does not say where/],
  [{ MASTER_PORT: "0" }, /MASTER_PORT is "0"/],
])("variables that contradict each other are named: %o", (changed, message) => {
  expect(() => worldOf({ ...TORCHRUN, ...changed })).toThrow(message);
});
