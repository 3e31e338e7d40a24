/** The addresses at which other machines reach this one. */
import { networkInterfaces } from "node:os";

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * IPv4 addresses of all interfaces except the loopback; link-local ones
 * (169.254.x.y) only if there are no others.
 */
export function lanAddresses(interfaces: Interfaces = networkInterfaces()): readonly string[] {
  const addresses = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
  const routable = addresses.filter((address) => !address.startsWith("169.254."));
  return routable.length > 0 ? routable : addresses;
}
