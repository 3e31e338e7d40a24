/**
 * The server as one object: builds the parts, listens, reports its addresses, closes.
 * HTTP on this machine only; with `--lan`, HTTPS on the machine's addresses too,
 * because WebGPU needs a secure context, which `http://192.168.…` is not.
 */
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as NetServer } from "node:net";
import { BRIDGE_PATH, type ServerFacts } from "../src/shared/index.ts";
import { createApp, type AppDirectories } from "./app.ts";
import { Bridge } from "./bridge.ts";
import { getCertificate } from "./certificate.ts";
import { lanAddresses } from "./lan-addresses.ts";
import { Connections } from "./connections.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { listen, portOf, startTimeouts, timeoutOptions } from "./listen.ts";
import { BodyReader } from "./read-body.ts";
import { createRates } from "./rates.ts";
import { createSignaling, SIGNALING_PATH } from "./signaling.ts";
import { routeUpgrades } from "./upgrades.ts";

export type ServerOptions = AppDirectories & {
  /** 0 chooses a free one. */
  readonly port: number;
  /** The directory that keeps the certificate, or null to serve this machine only. */
  readonly lanCertificate: string | null;
  /** For rooms that span networks; the default is none. */
  readonly iceServers?: ServerFacts["iceServers"];
  /** More names that clients may call the server by. */
  readonly hosts?: readonly string[];
  /** Origins of other pages that may use the server: "https://example.org". */
  readonly allowOrigins?: readonly string[];
  /** Required by the rooms' HTTP API; the default is none. */
  readonly apiKey?: string | null;
  /** What differs from `LIMITS`. */
  readonly limits?: Partial<Limits>;
};

export type RunningServer = {
  readonly port: number;
  /** The first one is for this machine only. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
};

/** Rejects with a `PortBusyError` if the port is in use. */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const limits: Limits = { ...LIMITS, ...options.limits };
  const rates = createRates(limits);
  const bridge = new Bridge(limits, rates);
  const listeners: NetServer[] = [];
  const addresses = (): string[] => {
    const port = portOf(listeners[0]!);
    return [`http://localhost:${port}`, ...lan.map((address) => `https://${address}:${port}`)];
  };
  const lan = options.lanCertificate === null ? [] : lanAddresses();
  const http = createHttpServer(timeoutOptions(limits));
  const signaling = createSignaling(http, limits, rates);
  const facts = () => ({ addresses: addresses(), iceServers: options.iceServers ?? [] });
  const hosts = [...lan, ...(options.hosts ?? [])];
  const { allowOrigins = [], apiKey = null } = options;
  const policy = () => ({ port: portOf(listeners[0]!), hosts, allowOrigins });
  const access = { policy, apiKey, rates, bodies: new BodyReader(limits) };
  const app = createApp(bridge, signaling.listener, options, facts, access);
  http.on("request", app);
  const https =
    options.lanCertificate === null
      ? null
      : createHttpsServer(
          {
            ...(await getCertificate(options.lanCertificate, lan)),
            ...timeoutOptions(limits),
            handshakeTimeout: limits.firstByteMs,
          },
          app,
        );
  const routes = new Map([
    [BRIDGE_PATH, bridge.socketServer],
    [`${SIGNALING_PATH}/peerjs`, signaling.socketServer],
  ]);
  const servers = https === null ? [http] : [http, https];
  for (const server of servers) {
    routeUpgrades(server, routes, policy, rates);
    // Node itself would answer an `Expect` that it does not know, without the server's rules and headers.
    server.on("checkExpectation", app);
    startTimeouts(server);
  }

  const connections = new Connections(limits);
  const { firstByteMs } = limits;
  const end = () => {
    bridge.close();
    signaling.close();
    for (const server of servers) server.close();
  };
  try {
    for (const host of options.lanCertificate === null ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"]) {
      const port = listeners[0] === undefined ? options.port : portOf(listeners[0]);
      const targets = { http, https, connections, firstByteMs };
      const listener = await listen(host, port, targets).catch(orNullWithoutIpv6(host));
      if (listener !== null) listeners.push(listener);
    }
  } catch (error) {
    end();
    for (const listener of listeners) listener.close();
    throw error;
  }
  return {
    port: portOf(listeners[0]!),
    addresses: addresses(),
    close: async () => {
      end();
      const closed = listeners.map((one) => new Promise((resolve) => one.close(resolve)));
      connections.closeAll();
      await Promise.all(closed);
    },
  };
}

/** On a machine without IPv6 there is no second listener. */
function orNullWithoutIpv6(host: string) {
  return (error: NodeJS.ErrnoException): null => {
    const missing = error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT";
    if (host.includes(":") && missing) return null;
    throw error;
  };
}
