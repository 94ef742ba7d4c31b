import { expect, test } from 'vitest';
import { checkPortRange } from '../../../../../src/dataplane/xdp/checks/check-ports.ts';

test.each([
  ['32768\t60999', '1024 32767'],
  ['1024 20000', '20001 65535'],
  ['1024\t65535', '1024 65535'],
  [undefined, '1024 65535'],
])("beside the host's ports %j", (host, expected) => {
  expect(checkPortRange(host)).toBe(expected);
});
