// Switches offloads of a device on and off.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CulvertError } from '../../errors.ts';
import { NAMESPACE_DIRECTORY } from '../namespaces/namespace-thread.ts';

/** `txvlan`, `rxvlan`: the tag of a frame goes beside it instead of in it, where XDP would not see it. */
export type Offload = 'tx' | 'rx' | 'gro' | 'gso' | 'tso' | 'txvlan' | 'rxvlan';

const execute = promisify(execFile);

/** Switches offloads of an interface by ethtool. @throws CulvertError KERNEL with what ethtool says. */
export async function setOffloads(
  interfaceName: string,
  offloads: Readonly<Partial<Record<Offload, boolean>>>,
  namespace?: string,
): Promise<void> {
  const settings = Object.entries(offloads).flatMap(([name, on]) => [name, on ? 'on' : 'off']);
  const command = ['ethtool', '-K', interfaceName, ...settings];
  const whole =
    namespace === undefined ? command : ['nsenter', `--net=${NAMESPACE_DIRECTORY}/${namespace}`, ...command];
  try {
    await execute(whole[0] as string, whole.slice(1));
  } catch (cause) {
    const text = (cause as { stderr?: string }).stderr?.trim();
    throw new CulvertError('KERNEL', `${command.join(' ')}: ${text ?? String(cause)}`, { cause });
  }
}
