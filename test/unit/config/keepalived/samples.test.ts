import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { printYaml } from '../../../../src/config/keepalived/print-yaml.ts';
import { keywordOf, placeOf, type Statement } from '../../../../src/config/keepalived/text/statement.ts';
import { parseConfig } from '../yaml.ts';
import { errorsOf, FILE, parse, read } from './read.ts';
import { complaintsOf, judge, judgementOf, needed, runs, samples, temporaryFile } from './real-keepalived.ts';

const DIRECTOR = { director: { interface: 'eth0' } };

/** What of the samples culvert cannot do: at lines with `text` it says `message`; with `instead` for them it can. */
interface Refusal {
  readonly text: string;
  readonly message: string;
  readonly instead: string;
}

const NAT = {
  text: 'lb_kind NAT',
  message: 'lb_kind NAT: culvert forwards by IP tunnel only',
  instead: 'lb_kind TUN',
};
/** Packets have no mark yet where XDP sees them. */
const FWMARK = { text: 'fwmark ', message: 'culvert does not support virtual servers by firewall mark' };

const REFUSED: Readonly<Record<string, readonly Refusal[]>> = {
  'HTTP_GET.port': [NAT],
  IPv6: [NAT],
  PING_CHECK: [NAT],
  SMTP_CHECK: [NAT],
  SSL_GET: [NAT],
  UDP_CHECK: [NAT],
  conditional_conf: [],
  fwmark: [NAT, { ...FWMARK, instead: 'virtual_server 192.0.2.1 80 {' }],
  inhibit: [NAT],
  misc_check: [NAT],
  misc_check_arg: [NAT],
  quorum: [NAT],
  sample: [NAT],
  status_code: [NAT],
  track_interface: [],
  virtual_server_group: [
    NAT,
    { ...FWMARK, instead: '' },
    // It is in the group as well, and no tunnel could tell the two apart.
    {
      text: 'real_server 192.168.200.1 ',
      message: 'the VIP of line 16',
      instead: 'real_server 192.168.200.99 1358 {',
    },
  ],
  virtualhost: [NAT],
  vrrp: [],
  'vrrp.localcheck': [],
  'vrrp.lvs_syncd': [NAT],
  'vrrp.routes': [],
  'vrrp.rules': [],
  'vrrp.scripts': [],
  'vrrp.static_ipaddress': [],
  'vrrp.sync': [],
};

/** What keepalived says of this machine, and of what culvert leaves out. */
const NOT_ABOUT_LOAD_BALANCING =
  /Unknown keyword 'VI_|Please use|interface|AH authentication|track script|No script set|VROUTE|VRRP|cannot track route|deprecated|Rule has no|Invalid rule|^$/;

/** A line with this in it, comments left aside. */
function lineWith({ text }: Refusal): RegExp {
  return new RegExp(`^[^!#\n]*${text}.*$`, 'gm');
}

function expectedOf(text: string, refusals: readonly Refusal[]): { line: number; message: string }[] {
  return refusals.flatMap((refusal) =>
    [...text.matchAll(lineWith(refusal))].map(({ index }) => ({
      line: text.slice(0, index).split('\n').length,
      message: refusal.message,
    })),
  );
}

function toldOf(text: string, refusals: readonly Refusal[]): { line: number; message: string }[] {
  return errorsOf(text, DIRECTOR).map((error) => {
    const [, line] = /^keepalived\.conf:(\d+):\d+: /.exec(error) ?? [];
    const refusal = refusals.find(({ message }) => error.includes(message));
    return { line: Number(line), message: refusal?.message ?? error };
  });
}

/** culvert does not look into blocks that are not about load balancing. */
function isOutside(line: number, statements: readonly Statement[]): boolean {
  const block = statements.findLast((statement) => placeOf(statement).line <= line);
  return block !== undefined && /^(?:vrrp|static|track|garp|bfd)_/.test(keywordOf(block));
}

test.skipIf(samples.size === 0)(`Debian's samples (${needed}) are all there`, () =>
  expect([...samples.keys()].sort()).toEqual(Object.keys(REFUSED).sort()),
);

for (const [name, path] of samples) {
  describe(`the sample ${name}`, () => {
    const text = readFileSync(path, 'utf8');
    const refusals = REFUSED[name] ?? [];

    test("has keepalived's grammar", () => expect(parse(text).findings.errors).toEqual([]));

    test.skipIf(!runs)('has the words unknown that keepalived has', () => {
      const { statements, lines } = judge(path);
      const theirs = complaintsOf(path).map(({ line }) => line);
      expect(lines).toEqual(theirs.filter((line) => !isOutside(line, statements)));
    });

    test('is refused at the lines that culvert cannot do, and only there', () => {
      const expected = expectedOf(text, refusals);
      const told = refusals.length === 0 ? [] : toldOf(text, refusals);
      expect(new Set(told)).toEqual(new Set(expected));
      if (refusals.length === 0) expect(read(text, DIRECTOR).config.services).toEqual([]);
    });

    test.skipIf(!runs)('works without them, as keepalived judges it, and as YAML', () => {
      const able = refusals.reduce(
        (rest, refusal) => rest.replaceAll(lineWith(refusal), refusal.instead),
        text,
      );
      using file = temporaryFile(able);
      const said = judgementOf(file.path).said.split('\n');
      const complaints = said.filter((line) => !NOT_ABOUT_LOAD_BALANCING.test(line));
      const result = read(able, DIRECTOR);
      const told = result.warnings.filter((warning) => warning.includes('as in keepalived'));
      expect(complaints.length > 0, complaints.join('\n')).toBe(told.length > 0);
      expect(parseConfig(printYaml(result, FILE), 'culvert.yaml')).toEqual(result.config);
    });
  });
}
