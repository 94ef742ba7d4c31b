import { describe, expect, it } from 'vitest';
import { clientWord } from '../../../../../src/forwarding/hashing/client-word.ts';
import { selectReal } from '../../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import { createScheduler } from '../../../../../src/forwarding/schedulers/create-scheduler.ts';
import { HASH_KEY, real, service, table } from '../../image/tables.ts';
import { addressesFrom, realsOf, request } from '../reals.ts';

const SYN = 2;
const WEIGHTS = [3, 0, 1, 2];

describe.each(['flow', 'source'] as const)('the ring of a service that hashes the %s', (hashOn) => {
  it.each([
    ['IPv4', '198.51.100.0'],
    ['IPv6', '2001:db8::'],
  ])('gives a client of %s the real that the fast path gives it', (_family, first) => {
    const candidates = realsOf(...WEIGHTS);
    const reals = candidates.map(({ address, weight }) => ({ ...real(0), address, weight }));
    const mh = service({ hashOn, reals });
    const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 16, flows: 64 }));
    image.apply(table([mh]), 0);
    const [entry] = image.serviceEntries();
    if (entry === undefined) throw new Error('the image has no service');
    const scheduler = createScheduler(mh, HASH_KEY);
    for (const [i, client] of addressesFrom(first, 500).entries()) {
      const clientPort = 1024 + 7 * i;
      const packet = { client: clientWord(client, image.hashKey), clientPort, tcpFlags: SYN };
      const stateless = selectReal(image, entry, packet, 0).real;
      const choice = scheduler.choose(candidates, request({ client, clientPort }));
      expect(choice && candidates[choice.position]?.address).toBe(image.real(stateless)?.address);
    }
  });
});
