// Certificate, key and client authority of a listener, followed while they are renewed on disk.
import { open } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { ListenTlsConfig } from '../../contract/config/listen-config.ts';
import { CulvertError } from '../../errors.ts';

const MODE_OF_EVERYONE = 0o007;
const LONGEST_BYTES = 1 << 20;
const LOOK_EVERY_MS = 30_000;

/** The material that `tls.createServer` and `setSecureContext` take. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly minVersion: NonNullable<SecureContextOptions['minVersion']>;
}

/**
 * Reads the files and has OpenSSL take them.
 * @throws CulvertError CONFIG_UNREADABLE, CONFIG_INVALID, PERMISSION
 */
export async function readTlsFiles({ certificate, key, clientCa }: ListenTlsConfig): Promise<TlsMaterial> {
  const [cert, secret, ca] = await Promise.all([
    readPem(certificate),
    readPem(key, { isSecret: true }),
    clientCa === undefined ? undefined : readPem(clientCa),
  ]);
  const material = { cert, key: secret, ...(ca && { ca }), minVersion: 'TLSv1.2' as const };
  try {
    createSecureContext(material);
  } catch (cause) {
    const { reason, message } = cause as Error & { reason?: string };
    throw new CulvertError('CONFIG_INVALID', `certificate and key cannot be used: ${reason ?? message}`, {
      where: certificate,
      cause,
    });
  }
  return material;
}

/** Calls `changed` with the new material when a file has changed; with files that cannot be used the former stay. */
export function followTlsFiles(
  config: ListenTlsConfig,
  first: TlsMaterial,
  { changed, onFault }: { changed: (material: TlsMaterial) => void; onFault: (message: string) => void },
): Disposable {
  let last = fingerprint(first);
  let told = '';
  const look = async (): Promise<void> => {
    try {
      const material = await readTlsFiles(config);
      told = '';
      if (fingerprint(material) === last) return;
      last = fingerprint(material);
      changed(material);
    } catch (error) {
      const { message } = error as Error;
      if (message !== told) onFault(`the API continues with its previous certificate: ${message}`);
      told = message;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function fingerprint({ cert, key, ca }: TlsMaterial): string {
  return [cert, key, ca].join('\0');
}

async function readPem(path: string, { isSecret = false } = {}): Promise<string> {
  try {
    await using file = await open(path);
    const { mode, size } = await file.stat();
    if (isSecret && (mode & MODE_OF_EVERYONE) !== 0)
      throw new CulvertError('PERMISSION', `every user can read this key; fix: chmod 600 ${path}`, {
        where: path,
      });
    if (size > LONGEST_BYTES) throw new Error(`it has more than ${LONGEST_BYTES} bytes`);
    return await file.readFile('latin1');
  } catch (cause) {
    if (cause instanceof CulvertError) throw cause;
    const { message } = cause as Error;
    throw new CulvertError('CONFIG_UNREADABLE', `cannot be read: ${message}`, { where: path, cause });
  }
}
