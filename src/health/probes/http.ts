import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HttpProbeConfig, HttpRegexConfig, HttpUrlConfig } from '../../config/probe-config.ts';
import type { CheckTarget } from '../../dataplane/check-connector.ts';
import { networkError } from '../../dataplane/network-words.ts';
import { formatIp } from '../../net/ip-address.ts';
import type { ProbeContext } from '../probe.ts';
import { Http10Stream } from './http-1.0.ts';
import { startTls } from './tls.ts';

const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const MD5_DIGITS = 32;
/** Of a longer body the rest is not searched. */
const SEARCHED_BYTES = 2 ** 20;

/** Fetches the urls one after the other, each on a connection of its own; no redirect is followed. */
export async function probeHttp(config: HttpProbeConfig, context: ProbeContext): Promise<void> {
  for (const url of config.urls) {
    try {
      await probeUrl(config, url, context);
    } catch (error) {
      context.signal.throwIfAborted();
      const { message } = error as Error;
      throw new Error(config.urls.length === 1 ? message : `${url.path}: ${message}`, { cause: error });
    }
  }
}

async function probeUrl(
  config: HttpProbeConfig,
  url: HttpUrlConfig,
  { connector, target, signal }: ProbeContext,
): Promise<void> {
  using connection = await connector.connectTcp(target, signal);
  const virtualHost = url.virtualHost ?? config.virtualHost;
  const address = formatIp(target.via === 'tunnel' ? target.vip : target.address);
  const { stream } = connection;
  const secure = config.type === 'https' ? await startTls(stream, config, virtualHost ?? address) : stream;
  const transport = config.httpVersion === '1.0' ? new Http10Stream(secure) : secure;
  const host = virtualHost ?? authority(address, target, config.type);
  const response = await get(transport, url.path, host);
  judgeStatus(response.statusCode ?? 0, url);
  if (url.digest !== undefined || url.regex !== undefined) await judgeBody(response, url);
}

function authority(address: string, { port }: CheckTarget, type: 'http' | 'https'): string {
  return port === DEFAULT_PORTS[type] ? address : `${address}:${port}`;
}

async function get(transport: Duplex, path: string, host: string): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({
    path,
    headers: { Host: host, 'User-Agent': 'culvert', Accept: '*/*', Connection: 'close' },
    createConnection: () => transport,
  });
  request.on('response', resolve);
  request.on('error', (error) => reject(httpError(error)));
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

async function judgeBody(response: IncomingMessage, { digest, regex }: HttpUrlConfig): Promise<void> {
  const hash = createHash(digest === undefined || digest.length === MD5_DIGITS ? 'md5' : 'sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (digest !== undefined) hash.update(chunk);
      if (bytes < SEARCHED_BYTES) kept.push(chunk);
      bytes += chunk.length;
      if (digest === undefined && bytes >= SEARCHED_BYTES) break;
    }
  } catch (error) {
    throw new Error('the answer was cut off', { cause: error });
  }
  const found = hash.digest('hex');
  if (digest !== undefined && found !== digest) throw new Error(`the body's digest is ${found}`);
  if (regex !== undefined) judgeText(Buffer.concat(kept).toString('latin1'), regex);
}

/** Pattern and text are bytes, so that offsets are. */
function judgeText(
  text: string,
  { pattern, flags, mustNotMatch, minOffset, maxOffset }: HttpRegexConfig,
): void {
  const expression = new RegExp(Buffer.from(pattern, 'utf8').toString('latin1'), `${flags}g`);
  expression.lastIndex = minOffset;
  const match = expression.exec(text);
  const isFound = match !== null && match.index <= maxOffset;
  if (isFound === mustNotMatch)
    throw new Error(`the body ${isFound ? 'matches' : 'does not match'} the regex`);
}
