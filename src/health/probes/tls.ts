// Begins TLS on a connection of a check.
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import type { HttpProbeConfig } from '../../contract/checks/probe-config.ts';
import { networkError } from '../../dataplane/network-words.ts';

/** Contexts are slow to make, and checks are many. */
const contexts = new Map<string, { readonly mtimeMs: number; readonly context: SecureContext }>();

/** TLS over a connection that is there. @param host Whom the certificate must be for where SNI asks for no other. */
export async function startTls(
  stream: Duplex,
  { sni, tlsVerify, tlsCaFile }: HttpProbeConfig,
  host: string,
): Promise<Duplex> {
  const servername = sni === true ? host : sni;
  const secure = connect({
    socket: stream,
    host,
    secureContext: await contextFor(tlsCaFile),
    rejectUnauthorized: tlsVerify,
    // An address is none (RFC 6066, section 3).
    ...(servername !== undefined && isIP(servername) === 0 && { servername }),
  });
  try {
    await once(secure, 'secureConnect');
  } catch (error) {
    throw describe(error as NodeJS.ErrnoException & { reason?: string });
  }
  // The request also receives the errors from here on.
  secure.on('error', () => undefined);
  // Each handshake is work, and a server of TLS 1.2 could ask for one after the other.
  secure.disableRenegotiation();
  return secure;
}

async function contextFor(caFile: string | undefined): Promise<SecureContext> {
  const name = caFile ?? '';
  const mtimeMs = caFile === undefined ? 0 : await modifiedMs(caFile);
  const known = contexts.get(name);
  if (known?.mtimeMs === mtimeMs) return known.context;
  const context = createSecureContext(caFile === undefined ? {} : { ca: await readFile(caFile) });
  contexts.set(name, { mtimeMs, context });
  return context;
}

/** A pipe would be waited for. */
async function modifiedMs(file: string): Promise<number> {
  const status = await stat(file);
  if (!status.isFile()) throw new Error(`${file} is not a regular file`);
  return status.mtimeMs;
}

/** OpenSSL's messages name its source files; `reason` is their last part. */
function describe(error: NodeJS.ErrnoException & { reason?: string }): Error {
  const { message } = networkError(error);
  const isOpenSsl = error.code?.startsWith('ERR_SSL') === true;
  // Behind a semicolon Node tells how to start it otherwise.
  return new Error(`TLS: ${isOpenSsl ? (error.reason ?? message) : message.split(';')[0]}`, { cause: error });
}
