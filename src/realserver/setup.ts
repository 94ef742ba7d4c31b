import { CulvertError } from '../errors.ts';
import { requireCapabilities, XDP_CAPABILITIES } from '../linux/capabilities.ts';
import { type Action, describeAction, type Step } from './action.ts';
import { observe } from './observe.ts';
import type { RealServerOptions } from './options.ts';
import { perform } from './perform.ts';
import { chooseDecapsulation, type Decapsulation, obsolete, plan } from './plan.ts';
import { planTunnelDevices } from './plan-devices.ts';
import { continues, newRecord, readRecord, type SetupRecord, withUndo, writeRecord } from './record.ts';
import { teardownRealServer } from './teardown.ts';

export interface SetupSummary {
  readonly decapsulation: Decapsulation;
  /** What was changed, in words. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/** Names a file, an nft table and a directory of pins. */
const INSTANCE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * Makes this host a real server for the VIPs, or what it is already into what the options say. What was there before
 * is on record before each change, so that `teardownRealServer` restores it, also after a set-up that failed half-way.
 * @throws CulvertError USAGE, INTERFACE, XDP_OCCUPIED, UNSUPPORTED, PERMISSION, KERNEL or REALSERVER.
 */
export function setupRealServer(options: RealServerOptions): SetupSummary {
  checkOptions(options);
  const before = observe(options);
  const way = chooseDecapsulation(before, options);
  plan(before, options, way); // what cannot work is refused before anything is changed
  requireCapabilities('setting up a real server', way === 'xdp' ? XDP_CAPABILITIES : [['CAP_NET_ADMIN']]);
  const done: string[] = [];
  const warnings: string[] = [];
  const former = readRecord(options);
  if (former !== undefined && !continues(former, options, way)) {
    const restored = teardownRealServer(options);
    done.push(...restored.done);
    warnings.push(...restored.warnings);
  }
  const changes = new Changes(options, readRecord(options) ?? newRecord(options, way));
  changes.takeBack(obsolete(changes.record.undo, before, options));
  if (way === 'kernel') changes.make(planTunnelDevices(observe(options), options));
  const { steps, warnings: planned } = plan(observe(options), options, way);
  changes.make(steps);
  return {
    decapsulation: way,
    done: [...done, ...changes.done],
    warnings: [...warnings, ...planned, ...changes.warnings],
  };
}

/** Changes the host, keeping the record a step ahead. */
class Changes {
  readonly done: string[] = [];
  readonly warnings: string[] = [];
  readonly #options: RealServerOptions;
  record: SetupRecord;

  constructor(options: RealServerOptions, record: SetupRecord) {
    this.#options = options;
    this.record = record;
  }

  make(steps: readonly Step[]): void {
    for (const step of steps) {
      this.record = withUndo(this.record, step.undo);
      writeRecord(this.#options, this.record);
      this.#perform(step.action);
    }
  }

  takeBack(actions: readonly Action[]): void {
    for (const action of actions) {
      this.#perform(action);
      this.record = { ...this.record, undo: this.record.undo.filter((kept) => kept !== action) };
      writeRecord(this.#options, this.record);
    }
  }

  #perform(action: Action): void {
    try {
      this.warnings.push(...perform(action));
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      throw new CulvertError(error.code, `${describeAction(action)}: ${error.message}`, { cause: error });
    }
    this.done.push(describeAction(action));
  }
}

function checkOptions(options: RealServerOptions): void {
  if (options.vips.length === 0) throw new CulvertError('USAGE', 'no VIP is named');
  if (new Set(options.vips).size !== options.vips.length) {
    throw new CulvertError('USAGE', 'a VIP is named twice');
  }
  if (!INSTANCE.test(options.instance)) {
    throw new CulvertError(
      'USAGE',
      `"${options.instance}" cannot name an instance: letters, digits and "_.-", at most 64`,
    );
  }
}
