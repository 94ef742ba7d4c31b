import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';

const execute = promisify(execFile);

/** As tshark writes the fields of a packet: intervals in microseconds. */
export interface CapturedPacket {
  readonly state: string;
  readonly diagnostic: string;
  readonly multiplier: string;
  readonly poll: string;
  readonly tx: string;
  readonly rx: string;
  readonly port: string;
  readonly ttl: string;
}

/** What tshark finds in a capture that a display filter lets through. */
export async function packetsIn(file: string, filter: string): Promise<CapturedPacket[]> {
  const fields = [
    'sta',
    'diag',
    'detect_time_multiplier',
    'flags.p',
    'desired_min_tx_interval',
    'required_min_rx_interval',
  ];
  const names = [...fields.map((name) => `bfd.${name}`), 'udp.srcport', 'ip.ttl', 'ipv6.hlim'];
  const { stdout } = await execute('tshark', [
    `-r${file}`,
    `-Y${filter}`,
    '-Tfields',
    ...names.flatMap((name) => ['-e', name]),
  ]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [
        state = '',
        diagnostic = '',
        multiplier = '',
        poll = '',
        tx = '',
        rx = '',
        port = '',
        v4,
        v6 = '',
      ] = line.split('\t');
      return { state, diagnostic, multiplier, poll, tx, rx, port, ttl: v4 || v6 };
    });
}

/** Waits until there is such a packet. */
export async function seen(file: string, filter: string): Promise<void> {
  const look = async (): Promise<void> => expect(await packetsIn(file, filter)).not.toEqual([]);
  await vi.waitFor(look, { interval: 100 });
}

/** `ip` or `ipv6`, as filters begin. */
export function protocolOf(address: string): string {
  return address.includes(':') ? 'ipv6' : 'ip';
}
