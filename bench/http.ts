import { NamespaceLab } from '../src/lab/namespaces/namespace-lab.ts';
import { type Sample, summarize } from './statistics.ts';

export interface HttpResult {
  readonly connections: number;
  /** Requests per second to the real itself, and to the same real through the VIP. */
  readonly direct: Sample;
  readonly throughVip: Sample;
  readonly ratio: number;
}

const CONNECTIONS = 16;

/** HTTP on kept-alive connections in the lab; only one real takes part, and the two ways take turns. */
export async function benchHttp(rounds: number, seconds: number): Promise<HttpResult> {
  await using lab = await NamespaceLab.open(`bench${process.pid}`);
  const [real, ...others] = lab.reals;
  if (real === undefined) throw new RangeError('the lab has no real');
  for (const { address } of others) await lab.api.drain({ address });
  const direct: number[] = [];
  const throughVip: number[] = [];
  for (let round = 0; round < rounds; round++) {
    direct.push(await lab.load(`http://${real.address}/`, CONNECTIONS, seconds));
    throughVip.push(await lab.load(lab.url, CONNECTIONS, seconds));
  }
  const result = { connections: CONNECTIONS, direct: summarize(direct), throughVip: summarize(throughVip) };
  return { ...result, ratio: result.throughVip.median / result.direct.median };
}
