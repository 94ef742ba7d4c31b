import { expect, test } from 'vitest';
import { settingChanges } from '../../../../src/director/changes/setting-changes.ts';
import { parseConfig } from '../../config/yaml.ts';

function realOf(settings: string): object {
  const text = `director: {plane: simulated}\nservices: [{vip: 192.0.2.10, port: 80, reals: [{address: 10.0.1.2, ${settings}}]}]\n`;
  const real = parseConfig(text, 'culvert.yaml').services[0]?.reals[0];
  if (real === undefined) throw new Error('no real');
  return real;
}

test('commands and checks are told in the words of the file', () => {
  const before = realOf('onUp: {command: [/bin/a]}, onDown: {command: [/bin/b]}, check: tcp');
  const after = realOf('onUp: {shell: "exit 3", user: nobody}, check: {type: misc, command: [/bin/c, d]}');
  expect(settingChanges(before, after)).toEqual([
    { setting: 'check.type', from: 'tcp', to: 'misc' },
    { setting: 'check.command', from: null, to: '[/bin/c, d]' },
    { setting: 'check.dynamic', from: null, to: 'false' },
    { setting: 'onUp.command', from: '[/bin/a]', to: null },
    { setting: 'onUp.shell', from: null, to: 'exit 3' },
    { setting: 'onUp.user', from: null, to: 'nobody' },
    { setting: 'onDown', from: '{command: [/bin/b], timeout: 30s}', to: null },
  ]);
});
