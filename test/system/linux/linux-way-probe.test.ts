import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WayProbe } from '../../../src/dataplane/xdp/paths/way-probe.ts';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const OBJECT = fileURLToPath(new URL('../../../build/bpf/ways-out.bpf.o', import.meta.url));
const able = process.getuid?.() === 0 && existsSync(OBJECT);

describe.skipIf(!able)('the probe of a way out over veth (needs root and build/bpf)', () => {
  const cleanUp = new DisposableStack();
  let network: WiredNetwork;
  let probe: WayProbe;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    network.addHosts('near', 'far');
    await network.cable('near:eth0', 'far:eth0');
    probe = cleanUp.use(new WayProbe());
  });

  afterAll(() => cleanUp.dispose());

  const leaves = (): boolean | undefined =>
    inNamespace(network.namespace('near'), () => probe.leaves(network.link('near')));

  test('leaves while the other end has an XDP program', () => expect(leaves()).toBe(true));

  test('does not without one', async () => {
    await network.ip('far', 'link set eth0 xdp off');
    expect(leaves()).toBe(false);
  });

  test('leaves while the other end polls for GRO', async () => {
    await setOffloads('eth0', { gro: true }, network.namespace('far'));
    expect(leaves()).toBe(true);
  });

  test('arrives, as a frame of the local experimental EtherType from the interface to itself', async () => {
    const capture = network.capture('far');
    expect(leaves()).toBe(true);
    await expect
      .poll(() => Buffer.from(capture.receive()?.frame ?? []).toString('hex'))
      .toMatch(new RegExp(`^(${Buffer.from(network.link('near').mac).toString('hex')}){2}88b5`));
  });

  test('does not from an interface that is down, or is gone', async () => {
    const link = network.link('near');
    await network.ip('near', 'link set eth0 down');
    expect(leaves()).toBe(false);
    await network.ip('near', 'link delete eth0');
    expect(inNamespace(network.namespace('near'), () => probe.leaves(link))).toBe(false);
  });
});
