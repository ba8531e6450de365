/**
 * @file Fetches an image at an address of the public internet. Names are resolved and every address they have is checked, when a
 * connection is made, so that no name and no redirect leads to this machine, its network or a cloud's metadata.
 */
import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { Agent, fetch } from "undici";
import { UserError } from "../util/errors.ts";
import { bytesOf, reasonOf } from "../util/http.ts";

/** What leads to this machine, to networks that are not public, or nowhere (IANA's special-purpose registries). */
export const NOT_PUBLIC = blockList(
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24",
  "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
  // The address at which Azure answers its machines.
  "168.63.129.16/32",
  // Loopback; IPv4 translated to IPv6 (mapped, ::ffff:a.b.c.d, Node looks it up above); tunnels; documentation; private,
  // link-local, multicast.
  "::/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16",
  "fc00::/7 fe80::/10 fec0::/10 ff00::/8",
);

const MOST_REDIRECTS = 3;

export interface FetchLimits {
  /** Bytes of the image. */
  readonly bytes: number;
  /** Until all of it is there. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Addresses that are never connected to. */
  readonly blocked?: BlockList;
}

/** The bytes at an http(s) address. No proxy is asked. @throws UserError saying why there are none; the signal's reason */
export async function fetchImage(address: string, limits: FetchLimits): Promise<Uint8Array> {
  const { bytes, seconds, signal, blocked = NOT_PUBLIC } = limits;
  const agent = new Agent({ connect: { lookup: publicLookup(blocked) } });
  const late = AbortSignal.timeout(seconds * 1000);
  try {
    let url = checked(address, blocked);
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const response = await fetch(url, {
        dispatcher: agent,
        redirect: "manual",
        headers: { accept: "image/*" },
        signal: AbortSignal.any([signal, late]),
      });
      const location = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && location !== null) {
        await response.body?.cancel();
        url = checked(new URL(location, url).href, blocked);
        continue;
      }
      if (!response.ok) throw new UserError(`The server of the image answered with status ${response.status}.`);
      return await bytesOf(response, bytes);
    }
    throw new UserError(`The address of the image redirects more than ${MOST_REDIRECTS} times.`);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw new UserError(`The image was not there within ${seconds} s.`);
    // What the look-up throws comes as the cause.
    const fault = error instanceof Error && error.cause instanceof UserError ? error.cause : error;
    throw fault instanceof UserError ? fault : new UserError(`The image cannot be fetched: ${reasonOf(fault)}.`);
  } finally {
    await agent.destroy();
  }
}

/** An address that may be asked, as far as it says itself. */
function checked(address: string, blocked: BlockList): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new UserError("The address of the image is not one of http or https.");
  if (url.username || url.password) throw new UserError("The address of the image holds a user name or a password.");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // No lookup is made for those.
  if (isIP(host) && isBlocked(host, blocked)) throw notPublic();
  return url;
}

/** Looks up a name for a connection, and fails if one of its addresses is blocked. */
function publicLookup(blocked: BlockList): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "");
      if (addresses.some(({ address }) => isBlocked(address, blocked))) return callback(notPublic(), "");
      if (options.all) return callback(null, addresses);
      callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

function isBlocked(address: string, blocked: BlockList): boolean {
  return blocked.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function notPublic(): UserError {
  return new UserError("The address of the image is not on the public internet. Send the image as a data URL.");
}

/** Networks, each written as its first address and the length of its prefix, with spaces between them. */
export function blockList(...networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks.join(" ").split(" ")) {
    const [first, prefix] = network.split("/") as [string, string];
    list.addSubnet(first, Number(prefix), isIP(first) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
