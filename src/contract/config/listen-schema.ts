// The schema of `director.listen` and `director.metricsListen`.
import { isIP } from 'node:net';
import { z } from 'zod';
import { hostAddress, list, mapping, path, port } from '../values/fields.ts';
import type { ListenConfig } from './listen-config.ts';

const ENDPOINT = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$/;
const ENDPOINT_WORDS = 'an address and a port, such as 127.0.0.1:8080';
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*$/;

const endpoint = z
  .string(ENDPOINT_WORDS)
  .refine((text) => parseEndpoint(text) !== undefined, ENDPOINT_WORDS)
  .transform((text) => parseEndpoint(text) ?? { address: '', port: 0 });

function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const match = ENDPOINT.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const number = Number(match?.[3]);
  return isIP(host) !== 0 && number >= 1 && number <= 65535 ? { address: host, port: number } : undefined;
}

const hostName = z
  .string('a host name or an IP address, without a port')
  .refine((text) => HOST_NAME.test(text) || isIP(text) !== 0, 'a host name or an IP address, without a port');

const listenMapping = mapping({
  address: hostAddress,
  port,
  names: list(hostName, 'a list of host names').optional(),
  tokenFile: path.optional(),
  tls: mapping({ certificate: path, key: path, clientCa: path.optional() }).optional(),
});

export const listenSchema = z.union([endpoint, listenMapping]);

/** A listener as it is written: `127.0.0.1:8080`, `'[::1]:8080'`, or a mapping. */
export type WrittenListen = z.output<typeof listenSchema>;

/** Fills in what was left out. */
export function fillInListen(written: WrittenListen): ListenConfig {
  const { address, port: number, names, tokenFile, tls }: z.output<typeof listenMapping> = written;
  return {
    address,
    port: number,
    names: names?.map((name) => name.toLowerCase()),
    tokenFile,
    tls: tls && { certificate: tls.certificate, key: tls.key, clientCa: tls.clientCa },
  };
}
