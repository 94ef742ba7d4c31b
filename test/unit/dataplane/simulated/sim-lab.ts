import type { DataPlane, FlowRecord } from '../../../../src/dataplane/data-plane.ts';
import { EventLoop, settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import {
  LAB,
  labTopology,
  type Topology,
} from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import { openSimulatedPlane } from '../../../../src/dataplane/simulated/open-simulated.ts';
import type { SimulatedPlane } from '../../../../src/dataplane/simulated/simulated-plane.ts';
import {
  type HttpResult,
  HttpSession,
  requestHttp,
} from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import { allocateImageMemory, type ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';

export interface OpenSession {
  readonly session: HttpSession;
  /** The real that answered on it first. */
  readonly server: string;
}

const TIMEOUT_MS = 1000;

/** The simulated lab in virtual time, with its director's plane open. */
export class SimLab implements AsyncDisposable {
  readonly loop: EventLoop = new EventLoop();
  readonly topology: Topology = labTopology(this.loop);
  readonly memory: ImageMemory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 12 });
  #plane: SimulatedPlane | undefined;

  static async open(): Promise<SimLab> {
    const lab = new SimLab();
    await lab.reopenPlane();
    return lab;
  }

  get plane(): SimulatedPlane {
    if (this.#plane === undefined) throw new Error('the plane is not open');
    return this.#plane;
  }

  /** As a restart of the daemon: a new plane over the memory of the old one. */
  async reopenPlane(): Promise<void> {
    await this.#plane?.close();
    this.#plane = await openSimulatedPlane({ topology: this.topology, memory: this.memory });
  }

  request(uploadBytes = 0): Promise<HttpResult> {
    const options = { destination: LAB.vip, port: 80, uploadBytes, timeoutMs: TIMEOUT_MS };
    return settle(this.loop, requestHttp(this.topology.client, options), 2 * TIMEOUT_MS);
  }

  /** Who answered so many requests, and how often. */
  async spread(requests: number): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let count = 0; count < requests; count++) {
      const result = await this.request();
      const name = result.ok ? result.server : result.error;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** So many connections, each kept open. */
  async openSessions(count: number): Promise<OpenSession[]> {
    const sessions: OpenSession[] = [];
    for (let opened = 0; opened < count; opened++) {
      const session = new HttpSession(this.topology.client, { destination: LAB.vip, port: 80 });
      const result = await this.ask(session);
      if (!result.ok) throw new Error(result.error);
      sessions.push({ session, server: result.server });
    }
    return sessions;
  }

  ask(session: HttpSession): Promise<HttpResult> {
    return settle(this.loop, session.request({ timeoutMs: TIMEOUT_MS }), 2 * TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plane?.close();
  }
}

export async function flowsOf(plane: DataPlane): Promise<FlowRecord[]> {
  const flows: FlowRecord[] = [];
  for await (const flow of plane.flows()) flows.push(flow);
  return flows;
}
