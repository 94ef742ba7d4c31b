// Captures packets in the lab's network namespaces.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ipv4PacketOf, readCapture } from '../../net/captures/pcap.ts';
import type { CapturedPacket, CapturePoint, LabCapture } from '../environment.ts';
import { Program } from './lab-program.ts';
import { HOST_INTERFACE, type Topology } from './topology.ts';

interface Tap {
  readonly point: CapturePoint;
  readonly file: string;
  readonly tcpdump: Program;
}

/**
 * Starts tcpdump at the client, at the director's link and at every real. At the director it listens on the router's
 * end of the cable: XDP takes packets from the interface before a capture there could see them.
 */
export async function captureLab(topology: Topology, directory: string): Promise<LabCapture> {
  const places = [
    { point: 'client', host: 'client', device: HOST_INTERFACE },
    { point: 'director', host: 'router', device: 'director' },
    { point: 'real', host: 'real1', device: HOST_INTERFACE },
    { point: 'real', host: 'real2', device: HOST_INTERFACE },
    { point: 'real', host: 'real3', device: HOST_INTERFACE },
  ] as const;
  const taps = places.map(({ point, host, device }): Tap => {
    const file = join(directory, `${host}-${device}.pcap`);
    const options = ['-n', '-U', '--immediate-mode', '-B', '8192', '-i', device, '-w', file, 'ip'];
    return {
      point,
      file,
      tcpdump: new Program(topology.namespaceOf(host), ['tcpdump', '-Z', 'root', ...options]),
    };
  });
  await Promise.all(taps.map(({ tcpdump }) => tcpdump.waitFor(/listening on/)));
  return { stop: async () => (await Promise.all(taps.map(finish))).flat() };
}

async function finish({ point, file, tcpdump }: Tap): Promise<CapturedPacket[]> {
  await tcpdump.stop('SIGINT');
  const captured = readCapture(await readFile(file), file);
  await rm(file);
  return captured.map(ipv4PacketOf).flatMap((packet) => (packet === undefined ? [] : [{ point, packet }]));
}
