import { expect, test } from 'vitest';
import { PLAIN } from '../../../../src/cli/tables/style.ts';
import { findingsText } from '../../../../src/cli/text/findings-text.ts';

test('what is wrong is followed by what is expected and how to fix it', () => {
  const findings = [
    { check: 'rp_filter', ok: true, found: '0 on eth0', expected: 'not 1', remedy: '' },
    {
      check: 'arp_ignore',
      ok: false,
      found: '0 on eth0',
      expected: '1',
      remedy: 'sysctl net.ipv4.conf.all.arp_ignore=1',
    },
  ];
  expect(findingsText(findings, PLAIN)).toBe(`\
ok    rp_filter   0 on eth0
FAIL  arp_ignore  0 on eth0
                  expected: 1
                  fix: sysctl net.ipv4.conf.all.arp_ignore=1
`);
});
