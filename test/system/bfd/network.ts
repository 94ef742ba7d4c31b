//   director 10.9.0.1, 2001:db8:90::1 ──── veth ──── 10.9.0.2, 2001:db8:90::2 real
//   director 10.9.1.1, 2001:db8:91::1 ──── veth ──── router ──── veth ──── 10.9.2.2, 2001:db8:92::2 far
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';
import type { BfdNeighbor } from '../../../src/health/bfd/neighbor.ts';
import type { BfdSessions } from '../../../src/health/bfd/sessions.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
  spawnInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { writeSysctl } from '../../../src/linux/sysctl.ts';

const execute = promisify(execFile);

/** What a listener was told, and when. */
export interface Verdict {
  readonly fault: string | undefined;
  readonly atMs: number;
}

export class BfdNetwork {
  readonly director: string = `cvbfdd${process.pid}`;
  readonly real: string = `cvbfdr${process.pid}`;
  readonly far: string = `cvbfdf${process.pid}`;
  directory = '';
  readonly #router = `cvbfdg${process.pid}`;
  readonly #programs: ChildProcess[] = [];
  readonly #sessions: Disposable[] = [];

  async setUp(): Promise<void> {
    this.directory = mkdtempSync(join(tmpdir(), 'culvert-bfd-'));
    for (const name of this.#namespaces()) {
      createNamespace(name);
      inNamespace(name, () => writeSysctl('net/ipv6/conf/default/accept_dad', '0'));
    }
    connectNamespaces({ namespace: this.director, name: 'eth0' }, { namespace: this.real, name: 'eth0' });
    connectNamespaces({ namespace: this.director, name: 'eth1' }, { namespace: this.#router, name: 'eth0' });
    connectNamespaces({ namespace: this.#router, name: 'eth1' }, { namespace: this.far, name: 'eth0' });
    await addresses(this.director, 'eth0', ['10.9.0.1/24', '2001:db8:90::1/64']);
    await addresses(this.director, 'eth1', ['10.9.1.1/24', '2001:db8:91::1/64']);
    await addresses(this.real, 'eth0', ['10.9.0.2/24', '2001:db8:90::2/64']);
    await addresses(this.#router, 'eth0', ['10.9.1.254/24', '2001:db8:91::254/64']);
    await addresses(this.#router, 'eth1', ['10.9.2.254/24', '2001:db8:92::254/64']);
    await addresses(this.far, 'eth0', ['10.9.2.2/24', '2001:db8:92::2/64']);
    inNamespace(this.#router, () => {
      writeSysctl('net/ipv4/ip_forward', '1');
      writeSysctl('net/ipv6/conf/all/forwarding', '1');
    });
    await route(this.director, '10.9.2.0/24', '10.9.1.254');
    await route(this.director, '2001:db8:92::/64', '2001:db8:91::254');
    await route(this.far, '10.9.1.0/24', '10.9.2.254');
    await route(this.far, '2001:db8:91::/64', '2001:db8:92::254');
  }

  remove(): void {
    for (const name of this.#namespaces()) deleteNamespace(name);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Between tests: no program runs any more, and no session is open. */
  async clear(): Promise<void> {
    this.closeSessions();
    for (const program of this.#programs.splice(0)) {
      if (program.exitCode === null && program.signalCode === null) await kill(program, 'SIGKILL');
    }
  }

  /** @param bfd what stands in its configuration's `protocol bfd` */
  startBird(namespace: string, bfd: string): ChildProcess {
    const config = join(this.directory, `${namespace}.conf`);
    writeFileSync(config, `router id 10.9.0.2;\nprotocol device {}\nprotocol bfd {\n${bfd}\n}\n`);
    const files = ['-s', this.#socket(namespace), '-P', join(this.directory, `${namespace}.pid`)];
    return this.start(namespace, ['bird', '-f', '-c', config, ...files]);
  }

  start(namespace: string, command: readonly string[]): ChildProcess {
    const program = spawnInNamespace(namespace, command, { stdio: 'ignore' });
    this.#programs.push(program);
    return program;
  }

  /** Waits until BIRD's table of sessions is like that. */
  async untilBird(namespace: string, looks: RegExp): Promise<void> {
    await vi.waitFor(async () => expect(await this.birdSessions(namespace)).toMatch(looks));
  }

  async birdSessions(namespace: string): Promise<string> {
    return (await execute('birdc', ['-s', this.#socket(namespace), 'show', 'bfd', 'sessions'])).stdout;
  }

  /** Opens a session from the director. */
  watch(sessions: BfdSessions, neighbor: BfdNeighbor): Verdict[] {
    const verdicts: Verdict[] = [];
    const listener = (fault: string | undefined): void =>
      void verdicts.push({ fault, atMs: performance.now() });
    this.#sessions.push(inNamespace(this.director, () => sessions.open(neighbor, listener)));
    return verdicts;
  }

  closeSessions(): void {
    for (const session of this.#sessions.splice(0)) session[Symbol.dispose]();
  }

  /** The UDP ports that are bound at the director, of both families. */
  ports(): number[] {
    const read = (name: string): string =>
      inNamespace(this.director, () => readFileSync(`/proc/thread-self/net/${name}`, 'utf8'));
    const matches = (read('udp') + read('udp6')).matchAll(/: [0-9A-F]{8,32}:([0-9A-F]{4}) /g);
    return [...matches].map(([, port = '']) => Number.parseInt(port, 16));
  }

  /** UDP datagrams over IPv4 that the real has been sent, whether or not anybody listens. */
  received(): number {
    const snmp = inNamespace(this.real, () => readFileSync('/proc/thread-self/net/snmp', 'utf8'));
    const [, values = ''] = snmp.split('\n').filter((line) => line.startsWith('Udp:'));
    const [, received, noPort] = values.split(' ');
    return Number(received) + Number(noPort);
  }

  #namespaces(): string[] {
    return [this.director, this.real, this.#router, this.far];
  }

  #socket(namespace: string): string {
    return join(this.directory, `${namespace}.ctl`);
  }
}

/** When it was killed, in milliseconds; it is gone when this resolves. */
export async function kill(program: ChildProcess, signal: NodeJS.Signals): Promise<number> {
  const killedMs = performance.now();
  program.kill(signal);
  await once(program, 'exit');
  return killedMs;
}

async function addresses(namespace: string, device: string, all: readonly string[]): Promise<void> {
  for (const address of all) {
    const extra = address.includes(':') ? ['nodad'] : [];
    await runInNamespace(namespace, ['ip', 'address', 'add', address, 'dev', device, ...extra]);
  }
}

async function route(namespace: string, to: string, via: string): Promise<void> {
  await runInNamespace(namespace, ['ip', 'route', 'add', to, 'via', via]);
}
