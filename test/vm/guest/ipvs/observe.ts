import type { GoldenReal } from '../../../golden/ipvs/golden.ts';

const REAL_LINE = /^\s+-> (\S+):([0-9A-F]{4})\s+\S+\s+(\d+)\s+(\d+)\s+(\d+)/gm;

/** Each real's active and inactive connections, out of /proc/net/ip_vs. */
export function countsOf(
  table: string,
  reals: readonly GoldenReal[],
): Readonly<Record<string, readonly [number, number]>> {
  return Object.fromEntries(
    [...table.matchAll(REAL_LINE)]
      .map(([, address, , , active, inactive]): [string, [number, number]] => [
        nameOf(address as string, reals),
        [Number(active), Number(inactive)],
      ])
      .sort(([a], [b]) => a.localeCompare(b)),
  );
}

export interface Connection {
  readonly protocol: string;
  /** Address and port. */
  readonly client: string;
  readonly service: string;
  /** The real's name. */
  readonly real: string;
  readonly state: string;
  /** To live, rounded up. */
  readonly seconds: number;
}

/** The lines of /proc/net/ip_vs_conn, sorted. */
export function connectionsOf(table: string, reals: readonly GoldenReal[]): Connection[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => connectionOf(line.split(/\s+/), reals))
    .sort((a, b) => connectionText(a).localeCompare(connectionText(b)));
}

export function connectionText({ protocol, client, service, real, state, seconds }: Connection): string {
  return [protocol, client, service, real, state, seconds].join(' ');
}

function connectionOf(fields: readonly string[], reals: readonly GoldenReal[]): Connection {
  const [protocol, from, fromPort, to, toPort, real, , state, left] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    protocol,
    client: endpoint(from, fromPort),
    service: endpoint(to, toPort),
    real: nameOf(real, reals),
    state,
    // The kernel leaves a started second out.
    seconds: Number(left) + 1,
  };
}

function endpoint(address: string, port: string): string {
  const text = readable(address);
  return `${text.includes(':') ? `[${text}]` : text}:${Number.parseInt(port, 16)}`;
}

function nameOf(address: string, reals: readonly GoldenReal[]): string {
  const text = readable(address);
  return reals.find((real) => real.address === text)?.name ?? text;
}

/** /proc/net has IPv4 addresses as eight hexadecimal digits, IPv6 ones with all their zeros. */
export function readable(address: string): string {
  if (address.includes(':'))
    return new URL(`http://[${address.replace(/[[\]]/g, '')}]/`).hostname.slice(1, -1);
  return (address.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).join('.');
}
