// Addresses and ports in the columns of ipvsadm.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import type { Names } from './host-names.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A table's column of IPv4 endpoints; longer ones of IPv6 shift what follows. */
const COLUMN = 28;

/** `192.0.2.10:80`, `[2001:db8::10]:80`, or with the names that a machine has for them. */
export function endpointText(
  { address, port }: Endpoint,
  protocol: TransportProtocol,
  names: Pick<Names, 'hostOf' | 'serviceOf'> | undefined,
): string {
  const host = names?.hostOf(address) ?? address;
  const service = names?.serviceOf(port, protocol) ?? port;
  return address.includes(':') ? `[${host}]:${service}` : `${host}:${service}`;
}

/** The same where it has to fit into a table: a long name is cut off, and its port with it. */
export function endpointColumn(...[endpoint, protocol, names]: Parameters<typeof endpointText>): string {
  const text = endpointText(endpoint, protocol, names);
  return endpoint.address.includes(':') ? text : text.slice(0, COLUMN);
}
