// The part of the scenario that is about path MTU.
import { onlyIpv4 } from '../net/address/ip-address.ts';
import { ETHERNET_HEADER_BYTES } from '../net/headers/ethernet.ts';
import type { LabEnvironment } from './environment.ts';
import type { Expectations } from './expectations.ts';
import { findFigures, type MtuFigures } from './mtu-figures.ts';

const UPLOAD_BYTES = 100_000;
const TUNNEL_BYTES = 20;
const COMPLETES_WITHIN_MS = 10_000;

export interface MtuStory {
  readonly learned: MtuFigures;
  readonly filtered: MtuFigures;
  readonly clamped: MtuFigures;
  readonly cured: MtuFigures;
}

export interface MtuStoryOptions {
  /** The time after which an upload counts as hung. */
  readonly hangMs: number;
  readonly say?: (sentence: string) => void;
}

/**
 * Shows the pitfall of tunnel mode and its two remedies: the client learns the tunnel's MTU by ICMP; with that ICMP filtered the
 * upload hangs; the clamp on the reals prevents it; and the director itself cures it without the clamp.
 */
export async function tellMtuStory(
  environment: LabEnvironment,
  expectations: Expectations,
  { hangMs, say }: MtuStoryOptions,
): Promise<MtuStory> {
  await environment.setBlackhole('refuse');
  await environment.setClamp('none');
  const learned = await upload(environment, COMPLETES_WITHIN_MS);
  expectLearned(learned, expectations);

  say?.('the router now drops these ICMP messages, as many firewalls do: the pitfall of tunnel mode');
  await environment.filterIcmp(true);
  const filtered = await upload(environment, hangMs);
  expectations.expect(
    'with ICMP filtered and no clamp the upload hangs',
    !filtered.completed,
    filtered.completed ? 'it completed' : `nothing after ${hangMs / 1000} s`,
  );

  say?.('first remedy: the reals clamp the MSS to 1400');
  await environment.setClamp(1400);
  const clamped = await upload(environment, COMPLETES_WITHIN_MS);
  expectClamped(clamped, expectations);

  say?.('second remedy: no clamp; the director detects that ICMP does not reach the client');
  await environment.setClamp('none');
  await environment.setBlackhole('cure');
  const cured = await upload(environment, COMPLETES_WITHIN_MS);
  await expectCured(environment, cured, expectations);

  await environment.filterIcmp(false);
  await environment.setClamp('auto');
  return { learned, filtered, clamped, cured };
}

async function upload(environment: LabEnvironment, timeoutMs: number): Promise<MtuFigures> {
  await environment.forgetPathMtu();
  const capture = await environment.capture();
  const { completed } = await environment.upload(UPLOAD_BYTES, timeoutMs);
  return { completed, ...findFigures(await capture.stop(), onlyIpv4(environment.vip)) };
}

function expectLearned(figures: MtuFigures, expectations: Expectations): void {
  expectations.figure('the client first sends segments of 1460 bytes', figures.firstDataBytes, 1460);
  expectations.figure('the director rejects them with ICMP 3/4, MTU 1480', figures.icmpMtuAtClient, 1480);
  expectations.figure('the client reduces its segments to 1440 bytes', figures.usualDataBytes, 1440);
  expectations.figure(
    'with the outer header the packets have exactly 1500 bytes',
    figures.largestOuterBytes,
    1500,
  );
  expectations.expect('the upload completes', figures.completed, uploaded(figures));
}

function expectClamped(figures: MtuFigures, expectations: Expectations): void {
  const received = (figures.largestInnerBytes ?? 0) + ETHERNET_HEADER_BYTES;
  const sent = (figures.largestOuterBytes ?? 0) + ETHERNET_HEADER_BYTES;
  expectations.figure("with the clamp the real's SYN-ACK says MSS 1400", figures.synAckMss, 1400);
  expectations.figure('the director receives frames of 1454 bytes', received, 1400 + 20 + 20 + 14);
  expectations.figure('and sends frames of 1474 bytes', sent, 1454 + TUNNEL_BYTES);
  expectations.expect('the director sends no ICMP', figures.icmpSent === 0, `${figures.icmpSent} messages`);
  expectations.expect('the upload completes with ICMP filtered', figures.completed, uploaded(figures));
}

function uploaded({ completed }: MtuFigures): string {
  return completed ? `${UPLOAD_BYTES} bytes` : 'it hangs';
}

async function expectCured(
  environment: LabEnvironment,
  figures: MtuFigures,
  expectations: Expectations,
): Promise<void> {
  const { stats } = await environment.status();
  const fragments = stats.reasons['blackhole-cured'] ?? 0;
  const named = (await environment.events()).some(({ type }) => type === 'blackhole-cured');
  expectations.expect(
    'without the clamp the director forwards the packets in outer fragments',
    figures.completed && fragments > 0,
    `${figures.completed ? 'completed' : 'hung'}, ${fragments} packets`,
  );
  expectations.expect('and reports it in an event', named, named ? 'blackhole-cured' : 'no such event');
}
