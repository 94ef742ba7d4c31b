import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpProbeConfig, HttpRegexConfig, HttpUrlConfig } from '../../config/probe-config.ts';
import type { CheckTarget } from '../../dataplane/check-connector.ts';
import { networkError } from '../../dataplane/network-words.ts';
import { formatEndpoint, formatIp, type IpAddress } from '../../net/ip-address.ts';
import type { ProbeContext } from '../probe.ts';
import { hasMatch } from './body-regex.ts';
import { Http10Stream } from './http-1.0.ts';
import { startTls } from './tls.ts';

const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const MD5_DIGITS = 32;
/** Of a longer body the rest is not searched. */
const SEARCHED_BYTES = 2 ** 20;

/** Fetches the urls one after the other, each on a connection of its own; no redirect is followed. */
export async function probeHttp(config: HttpProbeConfig, context: ProbeContext): Promise<undefined> {
  for (const url of config.urls) await probeUrl(config, url, context);
  return undefined;
}

export async function probeUrl(
  config: HttpProbeConfig,
  url: HttpUrlConfig,
  context: ProbeContext,
): Promise<void> {
  try {
    await fetchAndJudge(config, url, context);
  } catch (error) {
    context.signal.throwIfAborted();
    const { message } = error as Error;
    throw new Error(config.urls.length === 1 ? message : `${url.path}: ${message}`, { cause: error });
  }
}

async function fetchAndJudge(
  config: HttpProbeConfig,
  url: HttpUrlConfig,
  { connector, target, signal }: ProbeContext,
): Promise<void> {
  using connection = await connector.connectTcp(target, signal);
  const virtualHost = url.virtualHost ?? config.virtualHost;
  const address = target.via === 'tunnel' ? target.vip : target.address;
  const { stream } = connection;
  const secure =
    config.type === 'https' ? await startTls(stream, config, virtualHost ?? formatIp(address)) : stream;
  const transport = config.httpVersion === '1.1' ? secure : new Http10Stream(secure);
  const response = await get(transport, {
    path: url.path,
    host: virtualHost ?? authority(address, target, config.type),
    sayClose: config.httpVersion !== '1.0',
  });
  judgeStatus(response.statusCode ?? 0, url);
  await judgeBody(response, url);
}

/** RFC 3986, section 3.2.2: an IPv6 address has brackets, the default port is left out. */
function authority(address: IpAddress, { port }: CheckTarget, type: 'http' | 'https'): string {
  const whole = formatEndpoint(address, port);
  return port === DEFAULT_PORTS[type] ? whole.replace(/:\d+$/, '') : whole;
}

interface GetOptions {
  readonly path: string;
  readonly host: string;
  readonly sayClose: boolean;
}

async function get(transport: Duplex, { path, host, sayClose }: GetOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({
    path,
    headers: { Host: host, 'User-Agent': 'culvert', Accept: '*/*', Connection: 'close' },
    createConnection: () => transport,
  });
  if (!sayClose) request.removeHeader('Connection');
  request.on('response', resolve);
  request.on('error', (error) => reject(httpError(error)));
  request.on('upgrade', () => reject(new Error('HTTP status 101: nobody asked for another protocol')));
  request.end();
  return promise;
}

function httpError(error: NodeJS.ErrnoException): Error {
  if (error.code?.startsWith('HPE_')) return new Error('the answer is not HTTP', { cause: error });
  if (error.message === 'socket hang up') return new Error('the server closed without an answer');
  return networkError(error);
}

function judgeStatus(status: number, url: HttpUrlConfig): void {
  if (url.status.some(({ from, to }) => status >= from && status <= to)) return;
  const allowed = url.status.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  throw new Error(`HTTP status ${status}; allowed: ${allowed}`);
}

/** It is read in any case: a server that breaks off in the middle serves nobody. */
async function judgeBody(response: IncomingMessage, { digest, regex }: HttpUrlConfig): Promise<void> {
  const hash = digest === undefined ? undefined : createHash(digest.length === MD5_DIGITS ? 'md5' : 'sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash?.update(chunk);
      if (bytes < SEARCHED_BYTES) kept.push(chunk);
      bytes += chunk.length;
      if (digest === undefined && bytes >= SEARCHED_BYTES) break;
    }
  } catch (error) {
    throw new Error('the answer was cut off', { cause: error });
  }
  const found = hash?.digest('hex');
  if (found !== digest) throw new Error(`the body's digest is ${found}`);
  if (regex !== undefined) judgeText(Buffer.concat(kept), regex);
}

function judgeText(body: Buffer, regex: HttpRegexConfig): void {
  const found = hasMatch(body, regex);
  if (found === regex.mustNotMatch)
    throw new Error(`the body ${found ? 'matches' : 'does not match'} the regex`);
}
