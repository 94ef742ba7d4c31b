// The probe of `misc` checks: a command.
import type { MiscProbeConfig } from '../../contract/checks/probe-config.ts';
import type { CheckTarget } from '../../dataplane/check-connector.ts';
import { type CommandEnd, runCommand } from '../../linux/process/run-command.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type { ProbeContext } from '../probe.ts';
import type { WeightEffect } from '../weight-effect.ts';

/** Runs a command, which is killed with its whole process group when the time is up. */
export async function probeMisc(
  { run, dynamic, user }: MiscProbeConfig,
  { target, signal }: ProbeContext,
): Promise<WeightEffect | undefined> {
  return judge(await runCommand({ run, environment: environmentOf(target), user, signal }), dynamic);
}

function judge({ status, signal, output }: CommandEnd, dynamic: boolean): WeightEffect | undefined {
  if (status === 0) return undefined;
  if (dynamic && status !== null && status >= 2) return { set: status - 2 };
  const said = output.trimEnd().split('\n').at(-1)?.slice(-200) ?? '';
  const how = status === null ? `killed by ${signal}` : `exit status ${status}`;
  throw new Error(said === '' ? how : `${how}: ${said}`);
}

function environmentOf(target: CheckTarget): Record<string, string> {
  const real = target.via === 'tunnel' ? target.real : target.address;
  return {
    CULVERT_REAL: formatIp(real),
    CULVERT_PORT: `${target.port}`,
    ...(target.via === 'tunnel' && { CULVERT_VIP: formatIp(target.vip) }),
  };
}
