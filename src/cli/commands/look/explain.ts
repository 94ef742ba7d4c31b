// `culvert explain`: says what becomes of a packet, and why.
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { WireExplanation } from '../../../contract/api/explanation.ts';
import { CulvertError } from '../../../errors.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { numberArgument } from '../../options/arguments.ts';
import { type ConfigOptions, configOptions, loadOptions, warnOn } from '../../options/config-options.ts';
import {
  buildDescribedPacket,
  type Endpoint,
  parseEndpoint,
  parseTcpFlags,
} from '../../options/described-packet.ts';
import { connect, type DirectorOptions, directorOptions } from '../../options/director-options.ts';
import { parsePastTime } from '../../options/past-time.ts';
import { terminalWidth } from '../../tables/terminal.ts';

interface ExplainOptions extends DirectorOptions, ConfigOptions {
  readonly config?: string;
  readonly from?: Endpoint;
  readonly to?: Endpoint;
  readonly tcp?: number;
  readonly udp?: true;
  readonly length?: number;
  readonly df?: true;
  readonly ttl?: number;
  readonly tos?: number;
  readonly at?: string;
  readonly journal?: string;
  readonly pcap?: string;
  readonly packet?: number;
  readonly json?: true;
}

const DESCRIBING = ['from', 'to', 'tcp', 'udp', 'length', 'df', 'ttl', 'tos'];

export function register(program: Command, context: Context): void {
  const command = program
    .command('explain')
    .description(
      'Explain what happens to a packet, and why. Asks the running director or, with -c, evaluates a configuration ' +
        'file, with every real up and no flow known. With --at, answers from the journal. Changes nothing.',
    );
  describingOptions(command);
  configOptions(directorOptions(command))
    .option('-c, --config <file>', 'evaluate this file instead of asking the running director')
    .addOption(
      new Option(
        '--at <time>',
        'explain what would have happened then: 14:03, "10m ago", 2026-12-01T14:03:00Z',
      ).conflicts('config'),
    )
    .option('--journal <file>', 'with --at: the journal of the director, if it is not in /var/lib/culvert')
    .option('--json', 'print JSON');
  examples(
    command,
    'culvert explain --from 198.51.100.2:4000 --to 192.0.2.10:80 --tcp syn',
    'culvert explain --from 198.51.100.2:4000 --to 192.0.2.10:80 --tcp ack --length 1500 --df',
    'culvert explain --from 198.51.100.2:53535 --to 192.0.2.10:53 --udp -c culvert.yaml',
    'culvert explain --from 198.51.100.2:4000 --to 192.0.2.10:80 --at 14:03',
    'culvert explain --pcap capture.pcap --packet 3 --json',
  ).action((options: ExplainOptions) => explain(options, context));
}

function describingOptions(command: Command): void {
  command
    .option('--from <address:port>', 'the client', endpointArgument)
    .option('--to <address:port>', 'the destination', endpointArgument)
    .option(
      '--tcp <flags>',
      'TCP with these flags: syn, ack, "fin,ack", rst, none (syn unless given)',
      flagsArgument,
    )
    .addOption(new Option('--udp', 'UDP').conflicts('tcp'))
    .option('--length <bytes>', 'length of the whole IP packet', numberArgument(1, 65_535))
    .option('--df', "don't fragment")
    .option('--ttl <n>', 'time to live (64 unless given)', numberArgument(0, 255))
    .option('--tos <n>', 'DSCP and ECN in one byte', numberArgument(0, 255))
    .addOption(
      new Option('--pcap <file>', 'read the packet from a capture file, pcap or pcapng').conflicts(
        DESCRIBING,
      ),
    )
    .option(
      '--packet <n>',
      'number of the packet in the capture, from 1 (1 unless given)',
      numberArgument(1, 2 ** 32),
    );
}

async function explain(options: ExplainOptions, context: Context): Promise<void> {
  const packet =
    options.pcap === undefined ? described(options) : await captured(options.pcap, options.packet);
  const explanation = await ask(packet, options, context);
  if (options.json) {
    printJson(context, { packet: Buffer.from(packet).toString('hex'), ...explanation });
    return;
  }
  const { explanationText } = await import('../../text/explanation-text.ts');
  print(
    context,
    explanationText(packet, explanation, { style: context.style, width: terminalWidth(context.stdout) }),
  );
}

async function ask(packet: Uint8Array, options: ExplainOptions, context: Context): Promise<WireExplanation> {
  if (options.at !== undefined) return askJournal(packet, options.at, { options, context });
  if (options.config === undefined) return (await connect(options, context)).explain(packet);
  const { explainOffline } = await import('../../steps/explain-offline.ts');
  return explainOffline(options.config, packet, loadOptions(options, warnOn(context)));
}

async function askJournal(
  packet: Uint8Array,
  text: string,
  { options, context }: { readonly options: ExplainOptions; readonly context: Context },
): Promise<WireExplanation> {
  const nowMs = Date.now();
  const atMs = parsePastTime(text, nowMs);
  if (atMs === undefined) {
    throw new CulvertError(
      'USAGE',
      `--at: found '${text}'; allowed: a time such as 14:03, "10m ago", "2026-12-01 14:03" or 2026-12-01T14:03:00Z`,
    );
  }
  const { explainAt } = await import('../../steps/explain-at.ts');
  return explainAt({ packet, atMs, nowMs }, options, warnOn(context));
}

function described(options: ExplainOptions): Uint8Array {
  const { from, to, tcp, udp, length, df, ttl, tos } = options;
  if (from === undefined || to === undefined) {
    throw new CulvertError(
      'USAGE',
      'no packet is given. fix: describe it with --from and --to, or read it with --pcap FILE',
    );
  }
  const tcpFlags = udp ? undefined : (tcp ?? parseTcpFlags('syn'));
  return buildDescribedPacket({ from, to, tcpFlags, length, df, ttl, tos });
}

async function captured(file: string, number = 1): Promise<Uint8Array> {
  const { ipPacketOf, readCapture } = await import('../../../net/captures/pcap.ts');
  const all = readCapture(await read(file), file);
  const chosen = all[number - 1];
  if (chosen === undefined) {
    throw new CulvertError('USAGE', `there is no packet ${number}: the capture has ${all.length}`, {
      where: file,
    });
  }
  const packet = ipPacketOf(chosen);
  if (packet === undefined) {
    throw new CulvertError('CAPTURE_INVALID', `packet ${number} does not contain an IP packet`, {
      where: file,
    });
  }
  return packet;
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CulvertError('CAPTURE_INVALID', `cannot be read: ${(cause as Error).message}`, {
      where: file,
      cause,
    });
  }
}

function endpointArgument(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined)
    throw new InvalidArgumentError('It must be ADDRESS:PORT, such as 192.0.2.10:80 or [2001:db8::10]:80.');
  return endpoint;
}

function flagsArgument(text: string): number {
  const flags = parseTcpFlags(text);
  if (flags !== undefined) return flags;
  throw new InvalidArgumentError(
    'It must be flags separated by commas (fin, syn, rst, psh, ack, urg, ece, cwr), or none.',
  );
}
