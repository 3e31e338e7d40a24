/**
 * Who may talk to the server: decides about each request and each WebSocket upgrade by its headers.
 *
 *   host        must name this server, so that DNS rebinding gains nothing
 *   origin      must be the server's own or allowed by name
 *   fetch site  another page's request without an origin may only open the page
 *   POST        carries JSON, which another page cannot send without a preflight
 *
 * Pure. Does not know routes: what else the API requires is decided where the router has
 * matched the path (`api-access.ts`), because a path has several spellings.
 */
import type { ApiProblem } from "../src/shared/index.ts";

export type AccessPolicy = {
  /** The port that the server listens on. */
  readonly port: number;
  /** Its names and addresses besides those of the loopback. */
  readonly hosts: readonly string[];
  /** Origins of other pages that may use it, exactly as browsers send them. */
  readonly allowOrigins: readonly string[];
};

export type AccessRequest = {
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /** The value of each `Host` header. */
  readonly hosts: readonly string[];
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, `-Mode`, and `-Dest`, which only browsers send, and no page can change. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
  readonly contentType: string | undefined;
  /** `Access-Control-Request-Method`: marks a preflight. */
  readonly requestedMethod: string | undefined;
  /** The address at which the connection arrived. */
  readonly localAddress: string;
  readonly isEncrypted: boolean;
  /** A proxy added a header about whose request it is. */
  readonly isForwarded: boolean;
};

export type AccessDecision =
  /** `origin` is the page's that may read the response; null without an `Origin` header. */
  | { readonly kind: "pass"; readonly origin: string | null }
  | { readonly kind: "preflight"; readonly origin: string }
  /** To HTTPS: on another machine's browser, only HTTPS is a secure context. */
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "refuse"; readonly problem: ApiProblem };

const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/** The only paths that a link on another page may open. */
const PAGE_PATHS = new Set(["/", "/index.html"]);

const MAX_QUOTED_CHARACTERS = 100;

export function decideAccess(policy: AccessPolicy, request: AccessRequest): AccessDecision {
  // A URL as target would name a second host.
  if (!request.target.startsWith("/")) return refuse({ reason: "invalid_target" });
  const [sent = "", ...others] = request.hosts;
  const host = parseHost(sent);
  if (host === null || others.length > 0) return refuse({ reason: "invalid_host" });
  const own = new Set([
    ...LOOPBACK_HOSTS,
    ...policy.hosts.map(hostOf),
    hostOf(request.localAddress),
  ]);
  if (!own.has(host.name) || (host.port !== null && host.port !== policy.port)) {
    return refuse({ reason: "unknown_host", host: quoted(sent) });
  }
  if (!request.isEncrypted && !isLoopback(request.localAddress)) {
    return { kind: "redirect", location: `https://${sent}${request.target}` };
  }
  const { origin } = request;
  if (origin !== undefined) {
    const isAllowed =
      policy.allowOrigins.includes(origin) || isOwnOrigin(origin, own, policy, sent);
    if (!isAllowed) return refuse({ reason: "foreign_origin", origin: quoted(origin) });
    if (request.method === "OPTIONS" && request.requestedMethod !== undefined) {
      return { kind: "preflight", origin };
    }
  } else if (isFromAnotherPage(request) && !opensThePage(request)) {
    return refuse({ reason: "cross_site" });
  }
  if (request.method === "POST" && !isJson(request.contentType)) {
    const { contentType } = request;
    return refuse({ reason: "not_json", contentType: contentType ? quoted(contentType) : null });
  }
  return { kind: "pass", origin: origin ?? null };
}

/**
 * Whether the request is from a program on this machine: it arrived at a loopback address by
 * a loopback name, and no proxy says that it forwarded it.
 */
export function isLocal({ localAddress, hosts, isForwarded }: AccessRequest): boolean {
  const host = parseHost(hosts[0] ?? "");
  const isByName = host !== null && LOOPBACK_HOSTS.includes(host.name);
  return isByName && isLoopback(localAddress) && !isForwarded;
}

function refuse(problem: ApiProblem): AccessDecision {
  return { kind: "refuse", problem };
}

/** Null if `text` is not a host with an optional port. */
function parseHost(text: string): { readonly name: string; readonly port: number | null } | null {
  const match = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text);
  if (match === null || !URL.canParse(`http://${match[1]}`)) return null;
  return { name: hostOf(match[1]!), port: match[2] === undefined ? null : Number(match[2]) };
}

/** A name or an address as the host of a URL: in lower case, IPv6 in brackets. */
function hostOf(nameOrAddress: string): string {
  const plain = nameOrAddress.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  const bracketed = plain.includes(":") && !plain.startsWith("[") ? `[${plain}]` : plain;
  const url = `http://${bracketed}`;
  return URL.canParse(url) ? new URL(url).hostname : bracketed;
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}

/**
 * HTTP or HTTPS at one of the server's hosts, on its port. Behind a proxy the page has
 * another port; there the origin's host is the one that the request was sent to.
 */
function isOwnOrigin(
  origin: string,
  own: ReadonlySet<string>,
  { port }: AccessPolicy,
  sentHost: string,
): boolean {
  const match = /^(https?):\/\/([^/]+)$/.exec(origin);
  const host = parseHost(match?.[2] ?? "");
  if (match === null || host === null || !own.has(host.name)) return false;
  const originPort = host.port ?? (match[1] === "https" ? 443 : 80);
  return originPort === port || match[2] === sentHost.toLowerCase();
}

/** Another port of this machine is another page too: browsers call it the same site. */
function isFromAnotherPage({ fetchSite }: AccessRequest): boolean {
  return fetchSite === "cross-site" || fetchSite === "same-site";
}

/** A link that a person followed. */
function opensThePage({ method, target, fetchMode, fetchDest }: AccessRequest): boolean {
  const isNavigation = fetchMode === "navigate" && fetchDest === "document";
  return isNavigation && method === "GET" && PAGE_PATHS.has(target.split("?", 1)[0]!);
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json *(;|$)/i.test(contentType ?? "");
}

function quoted(text: string): string {
  return text.slice(0, MAX_QUOTED_CHARACTERS);
}
