/** @file The processes of a world find each other, and become a team. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { messageOf, UserError } from "../util/errors.ts";
import type { World } from "./ranks.ts";
import type { Patience } from "./silence.ts";
import type { Team } from "./team.ts";
import { Hub } from "./team-hub.ts";
import { Member } from "./team-member.ts";

const OPEN = "Let the machines reach each other at every port: all but the store's are chosen by the system.";

/**
 * Joins the team of a world. `announce` takes what rank 0 lets the others know, and gives it to each of them.
 * @throws UserError when one does not come in time
 */
export async function joinTeam(
  world: World,
  announce: (text: string | undefined) => Promise<string>,
  patience: Patience,
): Promise<Team> {
  if (world.rank === 0) {
    const token = randomBytes(16);
    const server = createServer();
    server.listen(0, world.local ? "127.0.0.1" : undefined);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const hub = new Hub(server, token, world.size, patience);
    try {
      await announce(`${port} ${token.toString("hex")}`);
      await hub.complete();
      return hub.member;
    } catch (error) {
      hub.close();
      throw error;
    }
  }
  const [port, token] = (await announce(undefined)).split(" ") as [string, string];
  const address = world.local ? "127.0.0.1" : world.address;
  const socket = connect(Number(port), address);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new UserError(`Rank ${world.rank} does not reach rank 0 at ${address}:${port}: ${messageOf(error)}`, OPEN);
  }
  const hello = Buffer.alloc(20);
  Buffer.from(token, "hex").copy(hello);
  hello.writeUInt32LE(world.rank, 16);
  socket.write(hello);
  return Member.follow(socket, world, patience);
}
