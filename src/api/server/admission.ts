// Decides from its head alone whether a request over TCP is answered.
import { isIP } from 'node:net';
import { CulvertError } from '../../errors.ts';
import { isAuthenticated, type Listener } from './listener.ts';

/** `control` is what changes the director, or shows its secrets. */
export type Access = 'read' | 'control';

export interface RequestHead {
  /** The values of all Host fields; HTTP/1.1 requires exactly one. */
  readonly hosts: readonly string[];
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, which browsers add. */
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
  /** The address of this end of the connection. */
  readonly localAddress: string | undefined;
}

const HOST = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::\d{1,5})?$/;
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Lets a request in or throws why not. The order matters: a page of another site learns nothing, not even whether a
 * token would be needed.
 * @throws CulvertError API for a malformed head; FOREIGN_PAGE, UNAUTHORIZED or PERMISSION for one that is refused
 */
export async function admit(head: RequestHead, listener: Listener, access: Access): Promise<void> {
  const host = requireOwnName(head, listener);
  refuseForeignPages(head, `${listener.isTls ? 'https' : 'http'}://${host}`);
  if (listener.token !== undefined && !(await listener.token.matches(bearerOf(head.authorization))))
    throw new CulvertError(
      'UNAUTHORIZED',
      'this listener requires a token; fix: send `Authorization: Bearer TOKEN` with the token of `tokenFile`',
    );
  if (access === 'read' || isAuthenticated(listener)) return;
  throw new CulvertError(
    'PERMISSION',
    'this director is read-only over TCP; fix: use its control socket, or configure `tokenFile` or `tls.clientCa` at `director.listen`',
  );
}

/**
 * A page whose own name resolves to this address (DNS rebinding) is, to its browser, a page of this server: its Origin
 * fits. Only the name in Host gives it away.
 */
function requireOwnName({ hosts, localAddress }: RequestHead, listener: Listener): string {
  const [host = '', ...more] = hosts;
  const match = HOST.exec(host);
  if (match === null || more.length > 0)
    throw new CulvertError('API', 'the request needs exactly one Host field with a name or an address');
  const name = (match[1] ?? match[2] ?? '').toLowerCase().replace(/\.$/, '');
  if (ownNames(listener, localAddress).has(name)) return host;
  throw new CulvertError(
    'FOREIGN_PAGE',
    `Host '${name}' is not a name of this listener; fix: add it to \`names\` of the listener if clients use it`,
  );
}

function ownNames({ address, names }: Listener, localAddress: string | undefined): Set<string> {
  // For a listener on all addresses, the one to which this client has connected.
  const own = WILDCARDS.has(address) ? (localAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '') : address;
  const loopback = own === '::1' || (isIP(own) === 4 && own.startsWith('127.'));
  return new Set([own.toLowerCase(), ...(loopback ? ['localhost'] : []), ...names]);
}

export function refuseForeignPages({ origin, fetchSite }: RequestHead, own: string): void {
  if (origin !== undefined && origin.toLowerCase() !== own.toLowerCase())
    throw new CulvertError('FOREIGN_PAGE', `requests from pages of ${origin} are refused`);
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    throw new CulvertError('FOREIGN_PAGE', 'requests from pages of other sites are refused');
}

function bearerOf(authorization: string | undefined): string {
  return /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization ?? '')?.[1] ?? '';
}
