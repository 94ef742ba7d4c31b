// Runs the commands of ipvsadm against a running director.
import { text } from 'node:stream/consumers';
import type { ApiClient } from '../../api/client/client.ts';
import { serviceName } from '../../contract/api/service-text.ts';
import type { ErrorCode } from '../../error-codes.ts';
import { CulvertError } from '../../errors.ts';
import { editAll } from '../../ipvsadm/edit/edit-all.ts';
import type {
  AdmCommand,
  AdmEdit,
  AdmServerCommand,
  AdmService,
} from '../../ipvsadm/parse/ipvsadm-command.ts';
import { AdmFault } from '../../ipvsadm/parse/ipvsadm-fault.ts';
import { parseCommand } from '../../ipvsadm/parse/parse-command.ts';
import { daemonRefusal } from '../../ipvsadm/parse/refuse.ts';
import { restoreLines } from '../../ipvsadm/parse/restore-lines.ts';
import { USAGE } from '../../ipvsadm/parse/usage.ts';
import type { CliEnvironment } from '../command-context.ts';
import { connect, type DirectorOptions } from '../options/director-options.ts';
import { version } from '../version.ts';
import { IpvsadmListings } from './ipvsadm-listings.ts';
import { type LearntNames, MachineNames } from './machine-names.ts';

/** The number of attempts of an edit, which is repeated if somebody else has changed the configuration meanwhile. */
const ATTEMPTS = 100;

/** `ipvsadm` with these arguments, on a running director. @returns its exit status. */
export async function ipvsadm(
  argv: readonly string[],
  context: IpvsadmContext,
  names?: LearntNames,
): Promise<number> {
  const { options, rest } = directorNamed(argv);
  return new Ipvsadm({ context, options, names: names ?? (await MachineNames.open()) }).run(rest);
}

type IpvsadmContext = Omit<CliEnvironment, 'argv'>;

/** ipvsadm knows one kernel; which director is meant may be given before everything else. */
function directorNamed(argv: readonly string[]): { options: DirectorOptions; rest: readonly string[] } {
  const [option, value, ...rest] = argv;
  if (option === '--socket' && value !== undefined) return { options: { socket: value }, rest };
  if (option === '--instance' && value !== undefined) return { options: { instance: value }, rest };
  return { options: {}, rest: argv };
}

interface Parts {
  readonly context: IpvsadmContext;
  readonly options: DirectorOptions;
  readonly names: LearntNames;
}

class Ipvsadm {
  readonly #parts: Parts;
  #client: Promise<ApiClient> | undefined;
  /** Commands that are yet to be made, all at once. */
  #edits: AdmEdit[] = [];
  #status = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async run(argv: readonly string[]): Promise<number> {
    const command = await this.#parse(argv);
    if (isRestore(command)) await this.#restore();
    else await this.#perform(command);
    await this.#commit();
    return this.#status;
  }

  /** Host names that are met in it are looked up, and it is read again with them. */
  async #parse(argv: readonly string[]): Promise<AdmCommand | AdmFault> {
    const { names } = this.#parts;
    let parsed = parseCommand(argv, names);
    while (await names.learnWanted()) parsed = parseCommand(argv, names);
    return parsed;
  }

  /** Runs a command and sets the exit status by its result. @returns whether ipvsadm continues with another line */
  async #perform(command: Exclude<AdmCommand, Restore> | AdmFault): Promise<boolean> {
    if (!(command instanceof AdmFault) && isEdit(command)) {
      this.#edits.push(command);
      return true;
    }
    if (!(await this.#commit())) return false;
    const fault = command instanceof AdmFault ? command : await this.#answer(command);
    if (fault !== undefined) this.#tell(fault);
    this.#status = fault?.status ?? 0;
    const asked = !(command instanceof AdmFault) && (command.name === 'help' || command.name === 'version');
    return !asked && fault?.ends !== true;
  }

  async #restore(): Promise<void> {
    const { stdin } = this.#parts.context;
    const input = stdin === undefined ? '' : await text(stdin);
    for (const words of restoreLines(input)) {
      const command = await this.#parse(words);
      if (!(await this.#perform(isRestore(command) ? AdmFault.tryHelp() : command))) return;
    }
  }

  async #answer(command: Exclude<AdmCommand, AdmEdit | Restore>): Promise<AdmFault | undefined> {
    const { context, names } = this.#parts;
    switch (command.name) {
      case 'help':
        context.stdout.write(USAGE);
        return undefined;
      case 'version':
        context.stdout.write(`ipvsadm v1.31 (culvert ${version()})\n`);
        return undefined;
      case 'start-daemon':
      case 'stop-daemon':
        return daemonRefusal(command.name);
      case 'zero':
        return this.#zero(command.of);
      default:
        return new IpvsadmListings({ context, names, client: await this.#connect() }).show(command);
    }
  }

  async #zero(of: AdmService | undefined): Promise<AdmFault | undefined> {
    const client = await this.#connect();
    const listings = new IpvsadmListings({ ...this.#parts, client });
    const service = of === undefined ? undefined : await listings.nameOf(of);
    if (of !== undefined && service === undefined) return AdmFault.table('No such service');
    await client.zero(service);
    return undefined;
  }

  /** Has the director make the edits so far. @returns whether ipvsadm goes on after them. */
  async #commit(): Promise<boolean> {
    const edits = this.#edits;
    this.#edits = [];
    return edits.length === 0 || this.#make(edits);
  }

  /** All at once; where the director refuses that, in halves, until those are found that it refuses. */
  async #make(edits: readonly AdmEdit[]): Promise<boolean> {
    try {
      return await this.#makeAtOnce(edits);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (edits.length > 1) {
        const half = edits.length >> 1;
        return (await this.#make(edits.slice(0, half))) && this.#make(edits.slice(half));
      }
      const fault = AdmFault.director(error.message);
      this.#tell(fault);
      this.#status = fault.status;
      return !fault.ends;
    }
  }

  async #makeAtOnce(edits: readonly AdmEdit[]): Promise<boolean> {
    const client = await this.#connect();
    for (let attempt = 1; ; attempt++) {
      const { config: before, revision } = await client.config();
      const { config, isChanged, done, faults, last } = editAll(before, edits);
      try {
        if (isChanged) await client.apply({ config, revision });
      } catch (error) {
        if (isConflict(error) && attempt < ATTEMPTS) continue;
        throw error;
      }
      faults.forEach((fault) => this.#tell(fault));
      await this.#clearOverrides(done);
      this.#status = last?.status ?? 0;
      return last?.ends !== true;
    }
  }

  /** A weight given explicitly takes effect, even if the real was drained by hand. */
  async #clearOverrides(edits: readonly AdmEdit[]): Promise<void> {
    const edited = edits.filter((command): command is AdmServerCommand => command.name === 'edit-server');
    if (edited.length === 0) return;
    const client = await this.#connect();
    const overridden = (await client.reals()).filter(({ override, drained }) => override !== null || drained);
    if (overridden.length === 0) return;
    const listings = new IpvsadmListings({ ...this.#parts, client });
    for (const { of, server } of edited) {
      const service = await listings.nameOf(of);
      const real = overridden.find(
        (each) => each.address === server.address && serviceName(each.service) === service,
      );
      if (real === undefined) continue;
      if (real.override !== null) await client.weight({ address: real.address, service, weight: null });
      if (real.drained) await client.undrain({ address: real.address, service });
    }
  }

  #tell({ message }: AdmFault): void {
    this.#parts.context.stderr.write(`${message}\n`);
  }

  #connect(): Promise<ApiClient> {
    const { options, context } = this.#parts;
    this.#client ??= connect(options, context);
    return this.#client;
  }
}

type Restore = Extract<AdmCommand, { readonly name: 'restore' }>;

function isRestore(command: AdmCommand | AdmFault): command is Restore {
  return !(command instanceof AdmFault) && command.name === 'restore';
}

const EDITS: readonly AdmCommand['name'][] = [
  'add-service',
  'edit-service',
  'delete-service',
  'add-server',
  'edit-server',
  'delete-server',
  'flush',
  'set',
] satisfies readonly AdmEdit['name'][];

function isEdit(command: Exclude<AdmCommand, Restore>): command is AdmEdit {
  return EDITS.includes(command.name);
}

/** The errors for which one edit may be the reason. */
const REFUSALS: readonly ErrorCode[] = ['CONFIG_INVALID', 'CAPACITY', 'UNSUPPORTED'];

function isRefusal(error: unknown): error is CulvertError {
  return error instanceof CulvertError && REFUSALS.includes(error.code);
}

function isConflict(error: unknown): boolean {
  return error instanceof CulvertError && error.code === 'CONFLICT';
}
