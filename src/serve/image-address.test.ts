import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isIP } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blockList, fetchImage, NOT_PUBLIC } from "./image-address.ts";

const { signal } = new AbortController();
const LIMITS = { bytes: 1000, seconds: 5, signal };

describe("what is not public", () => {
  it.each([
    ...["127.0.0.1", "0.0.0.0", "10.1.2.3", "172.31.255.255", "192.168.0.1", "100.100.100.200", "169.254.169.254"],
    ...["168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "198.19.0.1"],
    ...[
      "::",
      "::1",
      "::127.0.0.1",
      "::ffff:127.0.0.1",
      "::ffff:169.254.169.254",
      "fe80::1",
      "fd00:ec2::254",
      "ff02::1",
    ],
    ...["64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "fec0::1"],
  ])("%s", (address) => {
    expect(NOT_PUBLIC.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")).toBe(true);
  });

  it.each(["1.1.1.1", "172.32.0.1", "169.253.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"])(
    "%s is",
    (address) => {
      expect(NOT_PUBLIC.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")).toBe(false);
    },
  );
});

it.each([
  ["http://127.0.0.1/a.png", /not on the public internet/],
  ["http://localhost/a.png", /not on the public internet/],
  ["http://2130706433/", /not on the public internet/],
  ["http://0x7f.1/", /not on the public internet/],
  ["http://[::1]/", /not on the public internet/],
  ["http://[::ffff:7f00:1]/", /not on the public internet/],
  ["https://169.254.169.254/latest/meta-data/", /not on the public internet/],
  ["http://user:word@1.1.1.1/", /a user name or a password/],
  ["ftp://1.1.1.1/a.png", /not one of http or https/],
  ["file:///etc/passwd", /not one of http or https/],
  ["http://", /not one of http or https/],
])("%s is not asked", async (url, message) => {
  await expect(fetchImage(url, LIMITS)).rejects.toThrow(message);
});

describe("fetchImage", () => {
  // 127.0.0.1 stands in for the public internet.
  const blocked = blockList("127.0.0.2/32 ::1/128");
  const limits = { ...LIMITS, blocked };
  let server: Server;
  let at = "";
  let answer: RequestListener;
  let asked = 0;

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked++;
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const redirect =
    (to: string): RequestListener =>
    (_, response) =>
      response.writeHead(302, { location: to }).end();

  it("gives the bytes, also after redirects", async () => {
    answer = ({ url }, response) => (url === "/a" ? redirect("/b")({} as never, response) : response.end("image"));
    expect(Buffer.from(await fetchImage(`${at}/a`, limits)).toString()).toBe("image");
  });

  it("follows no redirect to a blocked address", async () => {
    asked = 0;
    answer = redirect(at.replace("127.0.0.1", "127.0.0.2"));
    await expect(fetchImage(at, limits)).rejects.toThrow(/not on the public internet/);
    expect(asked).toBe(1);
  });

  it("connects to no name that has a blocked address", async () => {
    asked = 0;
    await expect(fetchImage(at.replace("127.0.0.1", "localhost"), LIMITS)).rejects.toThrow(
      /not on the public internet/,
    );
    expect(asked).toBe(0);
  });

  it("gives up on redirects without end, other statuses, other schemes", async () => {
    answer = redirect("/again");
    await expect(fetchImage(at, limits)).rejects.toThrow(/redirects more than 3 times/);
    answer = redirect("file:///etc/passwd");
    await expect(fetchImage(at, limits)).rejects.toThrow(/not one of http or https/);
    answer = (_, response) => response.writeHead(404).end();
    await expect(fetchImage(at, limits)).rejects.toThrow(/status 404/);
  });

  it("reads no more than the limit, packed or not", async () => {
    answer = (_, response) => response.end(Buffer.alloc(1001));
    await expect(fetchImage(at, limits)).rejects.toThrow(/more than/);
    answer = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(1e6)));
    await expect(fetchImage(at, limits)).rejects.toThrow(/more than/);
  });

  it("waits no longer than the limit, and no longer than the client", async () => {
    answer = (_, response) => void response.write("begun");
    await expect(fetchImage(at, { ...limits, seconds: 0.05 })).rejects.toThrow("not there within 0.05 s");
    const gone = new AbortController();
    const fetching = fetchImage(at, { ...limits, signal: gone.signal });
    gone.abort(new Error("gone"));
    await expect(fetching).rejects.toThrow("gone");
  });
});
