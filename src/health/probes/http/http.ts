// The probe of `http` and `https` checks.
import type { Duplex } from 'node:stream';
import type { HttpProbeConfig, HttpUrlConfig } from '../../../contract/checks/probe-config.ts';
import type { CheckTarget } from '../../../dataplane/check-connector.ts';
import { networkError } from '../../../dataplane/network-words.ts';
import { formatEndpoint, formatIp, type IpAddress } from '../../../net/address/ip-address.ts';
import type { ProbeContext } from '../../probe.ts';
import { startTls } from '../tls.ts';
import { BodyJudge } from './body-judge.ts';
import { HttpResponse } from './http-response.ts';

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

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
  { connector, target, signal, heard }: ProbeContext,
): Promise<void> {
  using connection = await connector.connectTcp(target, signal);
  const virtualHost = url.virtualHost ?? config.virtualHost;
  const address = target.via === 'tunnel' ? target.vip : target.address;
  const { stream } = connection;
  const secure =
    config.type === 'https' ? await startTls(stream, config, virtualHost ?? formatIp(address)) : stream;
  const host = virtualHost ?? authority(address, target, config.type);
  secure.write(requestFor(url.path, host, config.httpVersion), 'latin1');
  const status = await readAnswer(secure, url);
  heard?.(`HTTP status ${status}`);
}

function requestFor(path: string, host: string, version: HttpProbeConfig['httpVersion']): string {
  const connection = version === '1.0' ? '' : 'Connection: close\r\n';
  const number = version === '1.1' ? '1.1' : '1.0';
  return `GET ${path} HTTP/${number}\r\nHost: ${host}\r\nUser-Agent: culvert\r\nAccept: */*\r\n${connection}\r\n`;
}

/** RFC 3986, section 3.2.2: an IPv6 address has brackets, the default port is left out. */
function authority(address: IpAddress, { port }: CheckTarget, type: 'http' | 'https'): string {
  const whole = formatEndpoint(address, port);
  return port === DEFAULT_PORTS[type] ? whole.replace(/:\d+$/, '') : whole;
}

/**
 * Reads an answer to its end. If nothing looks at the body, an end before the announced length is accepted, as in keepalived.
 * @returns the status
 */
async function readAnswer(stream: Duplex, url: HttpUrlConfig): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const body = new BodyJudge(url);
  const response = new HttpResponse((bytes) => body.take(bytes));
  let isSettled = false;
  const advance = (step: () => void): void => {
    if (isSettled) return;
    try {
      step();
      if (response.status !== 0) judgeStatus(response.status, url);
      if (!response.isComplete && !body.hasEnough) return;
      isSettled = true;
      resolve(body.judge().then(() => response.status));
    } catch (error) {
      isSettled = true;
      reject(error);
    }
  };
  stream.on('data', (bytes: Buffer) => advance(() => response.push(bytes)));
  const end = (): void => {
    if (response.status !== 0 && url.digest === undefined && url.regex === undefined)
      response.isComplete = true;
    else response.end();
  };
  stream.once('end', () => advance(end));
  stream.once('error', (error: NodeJS.ErrnoException) => reject(networkError(error)));
  stream.once('close', () => advance(end));
  return promise;
}

function judgeStatus(status: number, url: HttpUrlConfig): void {
  if (url.status.some(({ from, to }) => status >= from && status <= to)) return;
  const allowed = url.status.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  throw new Error(`HTTP status ${status}; allowed: ${allowed}`);
}
