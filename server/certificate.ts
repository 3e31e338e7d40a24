/**
 * The certificate of `--lan`: self-signed, created on the first run and kept, so
 * that a phone whose user accepted its warning does not warn again. It names the
 * machine's addresses, and is replaced when they change or before it expires.
 */
import { X509Certificate } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { generate } from "selfsigned";

export type Certificate = { readonly key: string; readonly cert: string };

/** Browsers reject a certificate that is valid for more than 398 days. */
const VALID_DAYS = 397;
const RENEW_BEFORE_MS = 7 * 24 * 60 * 60 * 1000;

/** Reads the certificate in `directory`, or creates one for `addresses` (IPs) and localhost. */
export async function getCertificate(
  directory: string,
  addresses: readonly string[],
  now = new Date(),
): Promise<Certificate> {
  const kept = await readCertificate(directory);
  if (kept !== null && isValid(kept, addresses, now)) return kept;
  const created = await createCertificate(addresses, now);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, "key.pem"), created.key, { mode: 0o600 });
  await writeFile(join(directory, "certificate.pem"), created.cert);
  return created;
}

async function readCertificate(directory: string): Promise<Certificate | null> {
  try {
    const key = await readFile(join(directory, "key.pem"), "utf8");
    const cert = await readFile(join(directory, "certificate.pem"), "utf8");
    return { key, cert };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function isValid({ cert }: Certificate, addresses: readonly string[], now: Date): boolean {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    return false; // Incomplete or not a certificate, so it is replaced.
  }
  const renewMs = Date.parse(certificate.validTo) - RENEW_BEFORE_MS;
  return now.getTime() < renewMs && addresses.every((ip) => certificate.checkIP(ip) !== undefined);
}

async function createCertificate(addresses: readonly string[], now: Date): Promise<Certificate> {
  const ips = ["127.0.0.1", "::1", ...addresses].filter((address) => isIP(address) !== 0);
  const made = await generate([{ name: "commonName", value: "Tabmesh" }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: now,
    notAfterDate: new Date(now.getTime() + VALID_DAYS * 24 * 60 * 60 * 1000),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [{ type: 2, value: "localhost" }, ...ips.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}
