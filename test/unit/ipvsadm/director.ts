import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ApiClient } from '../../../src/api/client/client.ts';
import { listenApi, type RunningApi } from '../../../src/api/server/listen.ts';
import { ipvsadm } from '../../../src/cli/steps/run-ipvsadm.ts';
import { allocateImageMemory } from '../../../src/forwarding/image/tables/memory.ts';
import type { AdmOutcome } from '../../golden/ipvsadm/golden.ts';
import { type Outcome, culvert as runCulvert, Sink } from '../cli/culvert.ts';
import { ImagePlane } from '../director/image-plane.ts';
import { Machine } from '../director/machine.ts';
import { GOLDEN_NAMES } from './golden-names.ts';

/** A running director and its API, over an image in memory: it takes all that the fast path takes. */
export class AdmDirector implements AsyncDisposable {
  readonly plane: ImagePlane;
  readonly client: ApiClient;
  readonly #machine: Machine;
  readonly #api: RunningApi;
  readonly #socketPath: string;

  /** @param services Of its file, in YAML. */
  static async start(services = '[]'): Promise<AdmDirector> {
    const machine = await Machine.create();
    // The clock of its image stands still, so that what was given up once is not given again.
    const plane = new ImagePlane(allocateImageMemory({ slots: 1 << 22, flows: 1 << 8 }));
    const text = `director: {interface: eth0}\nservices: ${services}\n`;
    const { director } = await machine.start(text, plane);
    const socketPath = join(machine.directory, 'adm.sock');
    const api = await listenApi({
      control: director,
      version: 'test',
      onDown: () => undefined,
      socketPath,
    });
    return new AdmDirector(plane, machine, api, socketPath);
  }

  private constructor(plane: ImagePlane, machine: Machine, api: RunningApi, socketPath: string) {
    this.plane = plane;
    this.client = new ApiClient(socketPath);
    this.#machine = machine;
    this.#api = api;
    this.#socketPath = socketPath;
  }

  /** `ipvsadm` with the names that hosts have in the golden files. */
  async ipvsadm(words: readonly string[], stdin = ''): Promise<AdmOutcome> {
    const [stdout, stderr] = [new Sink(), new Sink()];
    const context = { stdout, stderr, stdin: Readable.from([stdin]), env: this.#env() };
    const status = await ipvsadm(words, context, GOLDEN_NAMES);
    return {
      status,
      ...(stdout.text === '' ? {} : { stdout: stdout.text }),
      ...(stderr.text === '' ? {} : { stderr: stderr.text }),
    };
  }

  culvert(...argv: string[]): Promise<Outcome> {
    return runCulvert(argv, this.#env());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.close();
    await this.#machine.destroy();
  }

  #env(): NodeJS.ProcessEnv {
    return { CULVERT_SOCKET: this.#socketPath };
  }
}
