// The probe of `smtp` checks.
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import type { SmtpProbeConfig } from '../../contract/checks/probe-config.ts';
import { networkError } from '../../dataplane/network-words.ts';
import type { ProbeContext } from '../probe.ts';
import { LineReader } from './line-reader.ts';

/** The limits of the whole session; a greeting has a few lines. */
const LIMITS = { bytes: 65_536, lines: 1000 };

/** The greeting, HELO and QUIT, each with the answer that RFC 5321 has for it. */
export async function probeSmtp({ helo }: SmtpProbeConfig, context: ProbeContext): Promise<void> {
  using connection = await context.connector.connectTcp(context.target, context.signal);
  const { stream } = connection;
  const lines = linesOf(stream);
  await expectReply(lines, { code: '220', to: 'the connection' });
  stream.write(`HELO ${helo ?? hostname()}\r\n`);
  await expectReply(lines, { code: '250', to: 'HELO' });
  stream.write('QUIT\r\n');
  await expectReply(lines, { code: '221', to: 'QUIT' });
}

/** A reply has any number of lines; all but its last have a dash behind the code. */
async function expectReply(
  lines: AsyncGenerator<string, void>,
  { code, to }: { readonly code: string; readonly to: string },
): Promise<void> {
  for (;;) {
    const line = (await lines.next()).value ?? undefined;
    if (line === undefined)
      throw new Error(`SMTP: the server closed the connection instead of answering ${to}`);
    if (!line.startsWith(code)) {
      throw new Error(`SMTP: ${to} was answered with '${line.slice(0, 80)}' instead of ${code}`);
    }
    if (line[code.length] !== '-') return;
  }
}

async function* linesOf(stream: Duplex): AsyncGenerator<string, void> {
  const reader = new LineReader(LIMITS);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) yield* readLines(reader, chunk);
  } catch (error) {
    throw networkError(error as NodeJS.ErrnoException);
  }
}

function readLines(reader: LineReader, chunk: Buffer): string[] {
  try {
    return reader.push(chunk);
  } catch (error) {
    throw new Error(`SMTP: ${(error as Error).message}`, { cause: error });
  }
}
