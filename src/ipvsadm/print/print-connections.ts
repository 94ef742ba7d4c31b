// Prints connections as `ipvsadm -Lc` does.
import { endpointText } from './endpoint-text.ts';
import type { Names } from './host-names.ts';
import type { ListedConnection } from './listed.ts';

export const CONNECTIONS_TITLE: string = [
  'IPVS connection entries\n',
  'pro expire state       source             virtual            destination\n',
].join('');

/** A line for each connection. */
export function connectionText(connection: ListedConnection, names: Names | undefined): string {
  const { protocol, client, clientPort, service, servicePort, server, state, leftMs } = connection;
  const text = (address: string, port: number): string => endpointText({ address, port }, protocol, names);
  return [
    protocol.toUpperCase().padEnd(3),
    expiryText(leftMs).padEnd(6),
    state.padEnd(11),
    text(client, clientPort).padEnd(18),
    text(service, servicePort).padEnd(18),
    `${text(server, servicePort)}\n`,
  ].join(' ');
}

/** Minutes and whole seconds: `14:59`. */
function expiryText(leftMs: number): string {
  const seconds = Math.floor(leftMs / 1000);
  const pair = [Math.floor(seconds / 60), seconds % 60];
  return pair.map((part) => String(part).padStart(2, '0')).join(':');
}
