// `culvert realserver`: sets up, shows, verifies and restores a real server.
import { type Command, Option } from 'commander';
import { CulvertError } from '../../../errors.ts';
import type { HostRole } from '../../../realserver/from-config.ts';
import {
  type RealServerOptions,
  servedKey,
  type VerifyOptions,
  vipsOf,
} from '../../../realserver/options.ts';
import type { TeardownSummary } from '../../../realserver/teardown.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { numberArgument } from '../../options/arguments.ts';
import { warnOn } from '../../options/config-options.ts';
import {
  type HostOptions,
  hostOptions,
  type NamingOptions,
  namedServes,
  namedTypes,
  namingOptions,
  servedOptions,
} from '../../options/realserver-options.ts';

interface SetupOptions extends HostOptions {
  readonly decapsulation: RealServerOptions['decapsulation'];
  readonly mss?: RealServerOptions['mss'];
}

interface VerifyCommandOptions extends HostOptions {
  readonly port?: readonly number[];
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('realserver')
    .description('Set this host up as a real server, verify it, or restore the previous settings.');
  examples(
    command,
    'culvert realserver setup --vip 192.0.2.10 --director 10.0.0.1 --interface eth0',
    'culvert realserver verify --port 80',
    'culvert realserver status',
    'culvert realserver teardown',
  );
  setupCommand(command, context);
  verifyCommand(command, context);
  statusCommand(command, context);
  teardownCommand(command, context);
}

function setupCommand(parent: Command, context: Context): void {
  const command = parent
    .command('setup')
    .description(
      'Add VIPs to this host: decapsulate their packets, add their addresses without answering ARP for them, clamp the MSS. ' +
        'Earlier set-ups stay. Without --vip and --from, repeat the set-up that is on record, for example after a reboot.',
    );
  namingOptions(hostOptions(command))
    .addOption(
      new Option(
        '--decapsulation <how>',
        "decapsulate with the kernel's tunnel devices, or with XDP, which accepts packets of the directors only",
      )
        .choices(['auto', 'kernel', 'xdp'])
        .default('auto'),
    )
    .option(
      '--mss <bytes>',
      'the largest MSS that these VIPs announce, or none; auto (default) is the largest that fits the tunnel',
      mssArgument,
    );
  examples(
    command,
    'culvert realserver setup --vip 192.0.2.10 --director 10.0.0.1 --interface eth0',
    'culvert realserver setup --vip 192.0.2.10 --vip 192.0.2.11 --interface eth0 --decapsulation kernel --mss 1400',
    'culvert realserver setup --vip 2001:db8::10 --director fd00::1 --interface eth0 --tunnel gre --tunnel gue:6080',
    'culvert realserver setup --from culvert.yaml --director 10.0.0.1',
  ).action((options: SetupOptions) => setup(options, context));
}

function verifyCommand(parent: Command, context: Context): void {
  const command = parent
    .command('verify')
    .description(
      'Report what is wrong on this host, and how to fix it. The exit status is 1 if anything is wrong. ' +
        'Without --vip and --from, verify what is on record.',
    );
  namingOptions(hostOptions(command)).option(
    '--port <n>',
    'also check that a process listens on this port of each VIP (repeatable; --from adds the ports of the file)',
    collectPorts,
  );
  examples(
    command,
    'culvert realserver verify',
    'culvert realserver verify --vip 192.0.2.10 --director 10.0.0.1 --interface eth0 --port 80',
    'culvert realserver verify --from culvert.yaml --json',
  ).action((options: VerifyCommandOptions) => verify(options, context));
}

function statusCommand(parent: Command, context: Context): void {
  const command = namingOptions(parent.command('status')).description(
    'Show what is set up on this host: VIPs, tunnels, MSS and directors.',
  );
  examples(command, 'culvert realserver status', 'culvert realserver status --json').action(
    (options: NamingOptions) => status(options, context),
  );
}

function teardownCommand(parent: Command, context: Context): void {
  const command = servedOptions(namingOptions(parent.command('teardown'))).description(
    'Remove VIPs, tunnels or directors from this host. Without any of them, remove everything and restore the ' +
      'settings from before the first set-up, including sysctls.',
  );
  examples(
    command,
    'culvert realserver teardown --vip 192.0.2.10',
    'culvert realserver teardown --vip 192.0.2.10 --tunnel ipip',
    'culvert realserver teardown --director 10.0.0.1',
    'culvert realserver teardown',
  ).action((options: HostOptions) => teardown(options, context));
}

async function setup(options: SetupOptions, context: Context): Promise<void> {
  checkWords(options);
  const { requirePrivilege } = await import('../../../realserver/privilege.ts');
  requirePrivilege('setting up a real server', options.decapsulation);
  const { setupRealServer } = await import('../../../realserver/setup.ts');
  const summary = setupRealServer(await setupRequest(options, context));
  if (options.json) {
    printJson(context, summary);
    return;
  }
  printDone(context, summary.done, 'nothing to do: everything is set up already');
  print(context, `decapsulation: ${summary.decapsulation}\n`);
  printWarnings(context, summary.warnings);
}

/** @throws CulvertError USAGE when something is missing that only the operator knows. */
async function setupRequest(options: SetupOptions, context: Context): Promise<RealServerOptions> {
  const { decapsulation, mss, stateDirectory, instance, director: directors = [] } = options;
  const { readRecord, readStored } = await import('../../../realserver/record/record.ts');
  const common = { decapsulation, mss, stateDirectory, instance };
  if (options.vip === undefined && options.from === undefined) {
    const stored = readStored(options);
    if (stored === undefined) throw nothingNamed('set up');
    return {
      ...common,
      serves: stored.serves,
      directors: [...stored.directors, ...directors],
      interface: stored.interface,
      decapsulation: decapsulation === 'auto' ? stored.decapsulation : decapsulation,
    };
  }
  const role = await roleFrom(options, context);
  if (role !== undefined && directors.length === 0 && readRecord(options) === undefined) {
    throw new CulvertError(
      'USAGE',
      `${options.from} does not contain the source addresses of the directors' tunnel packets. fix: name each director (--director), or accept anyone (--director 0.0.0.0)`,
    );
  }
  return { ...common, ...(await hostRequest(options, role)), directors };
}

async function verify(options: VerifyCommandOptions, context: Context): Promise<void> {
  checkWords(options);
  const { requirePrivilege } = await import('../../../realserver/privilege.ts');
  requirePrivilege('verifying a real server', 'auto');
  const { verifyRealServer } = await import('../../../realserver/verify/verify.ts');
  const { findingsText } = await import('../../text/findings-text.ts');
  const verification = verifyRealServer(await verifyRequest(options, context));
  if (!verification.ok) context.exit(1);
  if (options.json) printJson(context, verification);
  else print(context, findingsText(verification.findings, context.style));
}

async function verifyRequest(options: VerifyCommandOptions, context: Context): Promise<VerifyOptions> {
  const { recordedOptions } = await import('../../../realserver/verify/verify.ts');
  const role = await roleFrom(options, context);
  const named = options.vip !== undefined || role !== undefined;
  const request = named
    ? {
        ...(await hostRequest(options, role)),
        directors: options.director ?? [],
        instance: options.instance,
      }
    : recordedOptions(options);
  if (request === undefined) throw nothingNamed('verify');
  const ports = options.port ?? [];
  const listeners = vipsOf(request.serves).flatMap((vip) => ports.map((port) => ({ vip, port })));
  return { ...request, listeners: [...(role?.listeners ?? []), ...listeners] };
}

async function status(options: NamingOptions, context: Context): Promise<void> {
  const { allRecords } = await import('../../../realserver/record/record.ts');
  const { statusJson, statusText } = await import('../../text/realserver-status.ts');
  const records = allRecords(options);
  if (options.json) printJson(context, records.map(statusJson));
  else if (records.length === 0) print(context, 'nothing is set up on this host\n');
  else print(context, statusText(records, context.style));
}

async function teardown(options: HostOptions, context: Context): Promise<void> {
  const { requirePrivilege } = await import('../../../realserver/privilege.ts');
  requirePrivilege('removing a real server', 'auto');
  const { teardownRealServer } = await import('../../../realserver/teardown.ts');
  const { instance, stateDirectory, vip: vips, director: directors } = options;
  const role = await roleFrom(options, context);
  const tunnels = namedTypes(options);
  const all = [vips, directors, role, tunnels].every((named) => named === undefined);
  if (all && !options.json) await announceAll(options, context);
  const summary = teardownRealServer({
    instance,
    stateDirectory,
    ...(vips === undefined ? {} : { vips }),
    ...(directors === undefined ? {} : { directors }),
    ...(tunnels === undefined ? {} : { tunnels }),
    ...(role === undefined ? {} : { serves: role.serves }),
  });
  if (options.json) printJson(context, summary);
  else printTeardown(context, summary);
}

async function announceAll(options: NamingOptions, context: Context): Promise<void> {
  const { readRecord } = await import('../../../realserver/record/record.ts');
  const { servesText } = await import('../../text/realserver-status.ts');
  const record = readRecord(options);
  if (record === undefined) return;
  print(context, `removing the whole set-up "${options.instance}": ${servesText(record)}\n`);
}

function printTeardown(context: Context, { done, left, warnings }: TeardownSummary): void {
  printDone(context, done, left ? 'nothing to do: it is not set up' : 'nothing to do: nothing is set up');
  printWarnings(context, warnings);
}

/** Returns the role of this host in the file of `--from`; undefined without one. */
async function roleFrom(options: HostOptions, context: Context): Promise<HostRole | undefined> {
  if (options.from === undefined) return undefined;
  const { loadConfig } = await import('../../../config/load/load-config.ts');
  const { observeAddresses } = await import('../../../realserver/facts/observe.ts');
  const { roleOf } = await import('../../../realserver/from-config.ts');
  // A keepalived.conf names no interface of a director; which one is of no interest here.
  const director = { interface: options.interface ?? 'lo' };
  const { config } = await loadConfig(options.from, { director, onWarning: warnOn(context) });
  try {
    return roleOf(config, observeAddresses());
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    throw new CulvertError(error.code, error.message, { where: options.from, cause: error });
  }
}

/** The VIPs named and those of the file. @throws CulvertError USAGE */
async function hostRequest(
  options: HostOptions,
  role: HostRole | undefined,
): Promise<Pick<VerifyOptions, 'serves' | 'interface'>> {
  const { interfaceOf } = await import('../../../realserver/from-config.ts');
  const { readRecord } = await import('../../../realserver/record/record.ts');
  const named = options.vip === undefined ? [] : namedServes(options);
  const fromFile = (role?.serves ?? []).filter(
    (served) => !named.some((other) => servedKey(other) === servedKey(served)),
  );
  const name = options.interface ?? (role === undefined ? readRecord(options)?.interface : interfaceOf(role));
  if (name === undefined) {
    throw new CulvertError(
      'USAGE',
      'no interface is named. fix: name the one on which tunnel packets arrive (--interface)',
    );
  }
  return { serves: [...fromFile, ...named], interface: name };
}

/** @throws CulvertError USAGE for options that no host and no privilege makes right. */
function checkWords(options: HostOptions): void {
  if (options.vip !== undefined) namedServes(options);
}

function nothingNamed(verb: string): CulvertError {
  return new CulvertError(
    'USAGE',
    `nothing is on record to ${verb}. fix: name the VIPs (--vip), or a director's configuration file (--from)`,
  );
}

function printDone(context: Context, done: readonly string[], otherwise: string): void {
  const lines = done.length === 0 ? [otherwise] : done;
  print(context, lines.map((line) => `${line}\n`).join(''));
}

function printWarnings({ stderr }: Context, warnings: readonly string[]): void {
  for (const warning of warnings) stderr.write(`culvert: warning: ${warning}\n`);
}

function collectPorts(text: string, former: readonly number[] = []): readonly number[] {
  return [...former, numberArgument(1, 65_535)(text)];
}

function mssArgument(text: string): RealServerOptions['mss'] {
  return text === 'auto' || text === 'none' ? text : numberArgument(88, 65_535)(text);
}
