import { setTimeout as sleep } from 'node:timers/promises';
import { BfdThread } from '../src/health/bfd/thread.ts';
import { ip } from '../src/net/address/ip-address.ts';
import { address } from './bfd.ts';

/** `director` or `peer`, how many sessions, their interval, and how many rounds of ten seconds are measured; JSON. */
const [role, count, interval, rounds] = process.argv.slice(2);
const intervalMs = Number(interval);
const sessions = new BfdThread();
const up = new Set<number>();
let fallen = 0;
const before = process.memoryUsage.rss();
for (let index = 0; index < Number(count); index++) {
  const [here, there] = ['10.64.0.1', address(index)];
  sessions.open(
    {
      address: ip(role === 'peer' ? here : there),
      source: role === 'peer' ? ip(there) : undefined,
      multihop: false,
      ttl: 255,
      maxHops: 0,
      parameters: { minTxMs: intervalMs, minRxMs: intervalMs, idleTxMs: 1000, multiplier: 5, passive: false },
    },
    (fault) => {
      if (fault === undefined) up.add(index);
      else if (up.delete(index)) fallen++;
    },
  );
}
if (role === 'peer') await sleep(3_600_000);
while (up.size < Number(count)) await sleep(100);
await sleep(2000);
const percents: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const [from, fromMs] = [process.cpuUsage(), performance.now()];
  await sleep(10_000);
  const { user, system } = process.cpuUsage(from);
  percents.push((user + system) / 10 / (performance.now() - fromMs));
}
const residentMegabytes = (process.memoryUsage.rss() - before) / 2 ** 20;
process.stdout.write(`${JSON.stringify({ percents, fallen, residentMegabytes })}\n`);
process.exit(0);
