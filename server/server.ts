/**
 * The server as one object: builds the parts, listens, tells its addresses, closes.
 * HTTP on this machine only; with `--lan`, HTTPS on the machine's addresses too,
 * because WebGPU needs a secure context, which `http://192.168.…` is not.
 */
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as NetServer, Socket } from "node:net";
import { BRIDGE_PATH, type ServerFacts } from "../src/shared/index.ts";
import { createApp, type AppDirectories } from "./app.ts";
import { Bridge } from "./bridge.ts";
import { getCertificate } from "./certificate.ts";
import { lanAddresses } from "./lan-addresses.ts";
import { listen, portOf } from "./listen.ts";
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
};

export type RunningServer = {
  readonly port: number;
  /** The first one is for this machine only. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
};

/** Rejects with a `PortBusyError` if the port is in use. */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const bridge = new Bridge();
  const listeners: NetServer[] = [];
  const addresses = (): string[] => {
    const port = portOf(listeners[0]!);
    return [`http://localhost:${port}`, ...lan.map((address) => `https://${address}:${port}`)];
  };
  const lan = options.lanCertificate === null ? [] : lanAddresses();
  const http = createHttpServer();
  const signaling = createSignaling(http);
  const facts = () => ({ addresses: addresses(), iceServers: options.iceServers ?? [] });
  const hosts = [...lan, ...(options.hosts ?? [])];
  const { allowOrigins = [], apiKey = null } = options;
  const policy = () => ({ port: portOf(listeners[0]!), hosts, allowOrigins });
  const app = createApp(bridge, signaling.listener, options, facts, { policy, apiKey });
  http.on("request", app);
  const https =
    options.lanCertificate === null
      ? null
      : createHttpsServer(await getCertificate(options.lanCertificate, lan), app);
  const routes = new Map([
    [BRIDGE_PATH, bridge.socketServer],
    [`${SIGNALING_PATH}/peerjs`, signaling.socketServer],
  ]);
  routeUpgrades(http, routes, policy);
  if (https !== null) routeUpgrades(https, routes, policy);

  const connections = new Set<Socket>();
  try {
    for (const host of options.lanCertificate === null ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"]) {
      const port = listeners[0] === undefined ? options.port : portOf(listeners[0]);
      const listener = await listen(host, port, http, https).catch(orNullWithoutIpv6(host));
      if (listener === null) continue;
      listener.on("connection", (socket: Socket) => {
        connections.add(socket);
        socket.on("close", () => connections.delete(socket));
      });
      listeners.push(listener);
    }
  } catch (error) {
    bridge.close();
    for (const listener of listeners) listener.close();
    throw error;
  }
  return {
    port: portOf(listeners[0]!),
    addresses: addresses(),
    close: async () => {
      bridge.close();
      const closed = listeners.map((one) => new Promise((resolve) => one.close(resolve)));
      for (const socket of connections) socket.destroy();
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
