import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Interrupted, UserError } from "../util/errors.ts";
import { joinTeam } from "./assemble-team.ts";
import type { Team } from "./team.ts";

const SIZE = 3;
const sockets: Socket[] = [];
let team: Team[];

vi.mock("node:net", async (original) => {
  const net = await original<typeof import("node:net")>();
  return {
    ...net,
    connect: (...args: Parameters<typeof net.connect>) => {
      const socket = net.connect(...args);
      sockets.push(socket);
      return socket;
    },
  };
});

/** A team in this process, over real connections; `timeout` in milliseconds. */
async function teamOf(size: number, timeout = 60_000): Promise<Team[]> {
  let tell: (text: string) => void = () => {};
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const world = { size, local: true, address: "127.0.0.1", port: 1, opensStore: true, attempt: 0 };
  return Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const announce = async (text: string | undefined) => {
        if (text !== undefined) tell(text);
        return told;
      };
      return joinTeam({ ...world, rank, localRank: rank }, announce, { timeout });
    }),
  );
}

/** How a promise ends, whichever way. */
const endOf = (promise: Promise<unknown>) => promise.then(String, (error: Error) => `${error.name}: ${error.message}`);

beforeEach(async () => {
  sockets.length = 0;
  team = await teamOf(SIZE);
});
afterEach(() => {
  for (const member of team) member.leave();
  for (const socket of sockets) socket.destroy();
});

describe("a team", () => {
  it("hears what each has to say, by rank", async () => {
    for (const member of team) member.at("step 1");
    const heard = await Promise.all(team.map((member) => member.gather({ rank: member.rank, mean: Number.NaN })));
    for (const values of heard) expect(values).toEqual([0, 1, 2].map((rank) => ({ rank, mean: Number.NaN })));
  });

  it.each([0, 2])("stops as one by an error of rank %i, of the same class, which names it", async (rank) => {
    const waiting = team.filter((member) => member.rank !== rank).map((member) => endOf(member.gather(1)));
    await team[rank]!.halt(new UserError("The image is gone."));
    for (const end of await Promise.all(waiting)) expect(end).toBe(`UserError: rank ${rank}: The image is gone.`);
    for (const member of team) {
      await vi.waitFor(() => expect(member.stop.aborted).toBe(true));
      expect(member.broken.aborted).toBe(false);
      expect(member.isTold).toBe(member.rank !== 0);
      await expect(member.gather(1)).rejects.toThrow("The image is gone.");
    }
    expect(await Promise.all(team.map((member) => member.settle(member.rank)))).toEqual(team.map(() => [0, 1, 2]));
  });

  it("has one error, the first, also where another fails by its consequences", async () => {
    await team[1]!.halt(new Interrupted(""));
    await vi.waitFor(() => expect(team.every(({ stop }) => stop.aborted)).toBe(true));
    expect(await team[2]!.halt(new Error("the sampling was cancelled"))).toMatchObject({
      name: "Interrupted",
      message: "Rank 1 was told to stop.",
    });
  });

  it("never lets some hear a gathering that others have given up", async () => {
    const first = endOf(team[1]!.gather(1));
    await team[0]!.halt(new UserError("no"));
    const late = endOf(team[2]!.gather(1));
    expect(await Promise.all([first, late])).toEqual(Array(2).fill("UserError: rank 0: no"));
  });

  it("misses one whose connection ends, names its phase, and settles no more", async () => {
    for (const member of team) member.at("step 4, sampling");
    await Promise.all(team.map((member) => member.gather(1)));
    const waiting = [0, 2].map((rank) => endOf(team[rank]!.gather(1)));
    sockets[0]!.destroy();
    for (const end of await Promise.all(waiting))
      expect(end).toMatch(/^UserError: Rank 1 ended without a word, in this phase: step 4, sampling\.\n.*--resume/);
    expect(team[2]!.broken.aborted).toBe(true);
    expect(await team[2]!.settle(1)).toBeUndefined();
    expect(team[1]!.isTold).toBe(false);
  });

  it("misses nobody who has left", async () => {
    team[1]!.leave();
    await once(sockets[0]!, "close");
    expect(team[0]!.stop.aborted).toBe(false);
  });

  it("takes no connection without its token", async () => {
    const port = sockets[0]!.remotePort!;
    const stranger = connect(port, "127.0.0.1");
    stranger.write(Buffer.alloc(20));
    await once(stranger, "close");
    for (const member of team) member.at("step 1");
    expect(await Promise.all(team.map((member) => member.gather(member.rank)))).toHaveLength(SIZE);
  });
});

it("a silent rank is missed within the timeout, and one that is heard is not", async () => {
  const [leader, follower] = await teamOf(2, 500);
  follower!.at("step 2, update 1");
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(leader!.stop.aborted).toBe(false);
  const socket = sockets.at(-1)!;
  vi.spyOn(socket, "write").mockReturnValue(true);
  await vi.waitFor(() => expect(leader!.stop.aborted).toBe(true), { timeout: 700 });
  expect(String(leader!.stop.reason)).toMatch(
    /Rank 1 gave no sign of life for 0\.5 s, in this phase: step 2, update 1/,
  );
  socket.destroy();
  leader!.leave();
});
