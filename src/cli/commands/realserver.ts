import { type Command, InvalidArgumentError, Option } from 'commander';
import { CulvertError } from '../../errors.ts';
import type { Tunnel } from '../../forwarding/table.ts';
import { type IpAddress, parseIp } from '../../net/ip-address.ts';
import type { RealServerOptions, TeardownOptions, VerifyOptions } from '../../realserver/options.ts';
import { numberArgument } from '../arguments.ts';
import { type Context, examples, print, printJson } from '../context.ts';

type Json = { readonly json?: true };
type Addresses = readonly IpAddress[];

interface HostOptions extends TeardownOptions, Json {
  readonly vip: Addresses;
  readonly director?: Addresses;
  readonly interface: string;
  readonly tunnel: Tunnel['type'];
  readonly tunnelPort?: number;
  readonly tunnelChecksum: 'none' | 'full' | 'remote';
}

interface SetupOptions extends HostOptions {
  readonly decapsulation: RealServerOptions['decapsulation'];
  readonly mss: RealServerOptions['mss'];
}

interface VerifyCommandOptions extends HostOptions {
  readonly port?: readonly number[];
}

const DEFAULT_INSTANCE = 'default';
const STATE_DIRECTORY = '/var/lib/culvert';

export function register(program: Command, context: Context): void {
  const command = program
    .command('realserver')
    .description(
      'Set this host up as a real server, say what is wrong with it, or take it back to what it was.',
    );
  examples(
    command,
    'culvert realserver setup --vip 192.0.2.10 --director 10.0.0.1 --interface eth0',
    'culvert realserver verify --vip 192.0.2.10 --director 10.0.0.1 --interface eth0 --port 80',
    'culvert realserver teardown',
  );
  setupCommand(command, context);
  verifyCommand(command, context);
  teardownCommand(command, context);
}

function setupCommand(parent: Command, context: Context): void {
  const command = parent
    .command('setup')
    .description(
      'Decapsulate, hold the VIPs without answering for them on the segment, and clamp the MSS. May be repeated.',
    );
  namingOptions(hostOptions(command))
    .addOption(
      new Option(
        '--decapsulation <how>',
        "the kernel's tunnel devices, or XDP, which accepts the directors' packets only",
      )
        .choices(['auto', 'kernel', 'xdp'])
        .default('auto'),
    )
    .option(
      '--mss <bytes>',
      'what SYN-ACKs from a VIP announce at most; auto: what the tunnel leaves; none',
      mssArgument,
      'auto',
    );
  examples(
    command,
    'culvert realserver setup --vip 192.0.2.10 --director 10.0.0.1 --interface eth0',
    'culvert realserver setup --vip 192.0.2.10 --vip 192.0.2.11 --interface eth0 --decapsulation kernel --mss 1400',
    'culvert realserver setup --vip 2001:db8::10 --director fd00::1 --interface eth0 --tunnel gue --tunnel-port 6080',
  ).action((options: SetupOptions) => setup(options, context));
}

function verifyCommand(parent: Command, context: Context): void {
  const command = parent
    .command('verify')
    .description(
      'Say in plain words what is wrong on this host, and how to mend it. Fails when anything is.',
    );
  namingOptions(hostOptions(command)).option(
    '--port <n>',
    'a port that is to be served at each VIP (repeatable)',
    collectPorts,
  );
  examples(
    command,
    'culvert realserver verify --vip 192.0.2.10 --director 10.0.0.1 --interface eth0 --port 80',
    'culvert realserver verify --vip 192.0.2.10 --interface eth0 --json',
  ).action((options: VerifyCommandOptions) => verify(options, context));
}

function teardownCommand(parent: Command, context: Context): void {
  const command = namingOptions(parent.command('teardown')).description(
    'Take this host back to what it was before setup, sysctls included.',
  );
  examples(command, 'culvert realserver teardown', 'culvert realserver teardown --json').action(
    (options: TeardownOptions & Json) => teardown(options, context),
  );
}

function hostOptions(command: Command): Command {
  return command
    .requiredOption('--vip <address>', 'a virtual address (repeatable)', collectAddresses)
    .option(
      '--director <address>',
      'whose tunnel packets to accept (repeatable; else anyone)',
      collectAddresses,
    )
    .requiredOption('--interface <name>', 'where tunnel packets come in')
    .addOption(
      new Option('--tunnel <type>', 'what the directors put around packets')
        .choices(['ipip', 'gre', 'gue'])
        .default('ipip'),
    )
    .option('--tunnel-port <n>', 'the UDP port that GUE comes to', numberArgument(1, 65_535))
    .addOption(
      new Option(
        '--tunnel-checksum <which>',
        'that the directors compute; it takes room, and GRE devices must know',
      )
        .choices(['none', 'full', 'remote'])
        .default('none'),
    );
}

function namingOptions(command: Command): Command {
  return command
    .option('--instance <name>', 'tells several set-ups on one host apart', DEFAULT_INSTANCE)
    .option('--state-directory <path>', 'where what was before is kept', STATE_DIRECTORY)
    .option('--json', 'print JSON');
}

async function setup(options: SetupOptions, context: Context): Promise<void> {
  const { setupRealServer } = await import('../../realserver/setup.ts');
  const { decapsulation, mss, stateDirectory } = options;
  const summary = setupRealServer({ ...verifyOptions(options), decapsulation, mss, stateDirectory });
  if (options.json) {
    printJson(context, summary);
    return;
  }
  printDone(context, summary.done, 'nothing: it was set up already');
  print(context, `decapsulation: ${summary.decapsulation}\n`);
  printWarnings(context, summary.warnings);
}

async function verify(options: VerifyCommandOptions, context: Context): Promise<void> {
  const { verifyRealServer } = await import('../../realserver/verify.ts');
  const { findingsText } = await import('../findings-text.ts');
  const verification = verifyRealServer({ ...verifyOptions(options), ports: options.port ?? [] });
  if (!verification.ok) context.exit(1);
  if (options.json) printJson(context, verification);
  else print(context, findingsText(verification.findings, context.style));
}

async function teardown(options: TeardownOptions & Json, context: Context): Promise<void> {
  const { teardownRealServer } = await import('../../realserver/teardown.ts');
  const { instance, stateDirectory } = options;
  const summary = teardownRealServer({ instance, stateDirectory });
  if (options.json) {
    printJson(context, summary);
    return;
  }
  printDone(context, summary.done, 'nothing: there was nothing to restore');
  printWarnings(context, summary.warnings);
}

function verifyOptions(options: HostOptions): VerifyOptions {
  const { vip: vips, director: directors = [], interface: name, instance } = options;
  return { vips, directors, interface: name, tunnel: tunnelOf(options), instance };
}

/** @throws CulvertError USAGE for what does not go together. */
function tunnelOf({ tunnel: type, tunnelPort, tunnelChecksum: checksum }: HostOptions): Tunnel {
  if (type !== 'gue' && tunnelPort !== undefined)
    throw new CulvertError('USAGE', `${type} has no port: leave out --tunnel-port`);
  if (type === 'gue') {
    if (tunnelPort === undefined) throw new CulvertError('USAGE', 'GUE needs a port: --tunnel-port');
    return { type, checksum, port: tunnelPort };
  }
  if (checksum === 'remote' || (type === 'ipip' && checksum !== 'none')) {
    throw new CulvertError('USAGE', `${type} has no ${checksum} checksum: leave out --tunnel-checksum`);
  }
  return type === 'gre' ? { type, checksum } : { type };
}

function printDone(context: Context, done: readonly string[], otherwise: string): void {
  const lines = done.length === 0 ? [otherwise] : done;
  print(context, lines.map((line) => `${line}\n`).join(''));
}

function printWarnings({ stderr }: Context, warnings: readonly string[]): void {
  for (const warning of warnings) stderr.write(`culvert: warning: ${warning}\n`);
}

function collectAddresses(text: string, former: Addresses = []): Addresses {
  const addresses = text.split(',').map((part) => parseIp(part));
  if (addresses.some((address) => address === undefined)) {
    throw new InvalidArgumentError('It must be an IP address, as 192.0.2.10 or 2001:db8::10.');
  }
  return [...former, ...addresses.filter((address) => address !== undefined)];
}

function collectPorts(text: string, former: readonly number[] = []): readonly number[] {
  return [...former, numberArgument(1, 65_535)(text)];
}

function mssArgument(text: string): RealServerOptions['mss'] {
  return text === 'auto' || text === 'none' ? text : numberArgument(88, 65_535)(text);
}
