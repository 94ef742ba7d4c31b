// Applies the planned changes to a host, keeping the record one step ahead.
import { CulvertError } from '../../errors.ts';
import type { RealServerFacts } from '../facts/facts.ts';
import { observe } from '../facts/observe.ts';
import type { InstanceOptions, Wanted } from '../options.ts';
import { perform } from '../perform.ts';
import { otherRecords, withUndo, writeRecord } from '../record/record.ts';
import type { SetupRecord } from '../record/setup-record.ts';
import { type Action, describeAction, type Step } from './action.ts';
import { obsolete } from './obsolete.ts';
import { planTunnelDevices } from './plan-devices.ts';
import { type Decapsulation, plan } from './plan-setup.ts';
import { handOver, isShared } from './shared.ts';

export class Changes {
  /** The changes made, in words. */
  readonly done: string[] = [];
  readonly warnings: string[] = [];
  readonly #options: InstanceOptions;
  #record: SetupRecord;

  constructor(options: InstanceOptions, record: SetupRecord) {
    this.#options = options;
    this.#record = record;
  }

  /** Applies additions before removals, so that a VIP that moves is always on some interface. */
  converge(wanted: Wanted, way: Decapsulation): void {
    const { serves, directors } = wanted;
    this.#record = { ...this.#record, serves, directors };
    writeRecord(this.#options, this.#record);
    if (way === 'kernel') this.#make(planTunnelDevices(observe(wanted), wanted));
    const { steps, warnings } = plan(observe(wanted), wanted, way);
    this.#make(steps);
    this.warnings.push(...warnings);
    this.#takeBack(observe(wanted), wanted, way);
  }

  #make(steps: readonly Step[]): void {
    for (const step of steps) {
      this.#record = withUndo(this.#record, step.undo);
      writeRecord(this.#options, this.#record);
      this.#perform(step.action);
    }
  }

  #takeBack(facts: RealServerFacts, wanted: Wanted, way: Decapsulation): void {
    for (const action of obsolete(this.#record.undo, facts, wanted, way)) {
      const other = otherRecords(this.#options).find(({ record }) => isShared(action, record));
      if (other === undefined) this.#perform(action);
      else handOver([action], other);
      this.#record = { ...this.#record, undo: this.#record.undo.filter((kept) => kept !== action) };
      writeRecord(this.#options, this.#record);
    }
  }

  #perform(action: Action): void {
    try {
      const { warnings, changed } = perform(action);
      this.warnings.push(...warnings);
      if (changed) this.done.push(describeAction(action));
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      throw new CulvertError(error.code, `${describeAction(action)}: ${error.message}`, { cause: error });
    }
  }
}
