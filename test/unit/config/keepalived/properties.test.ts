import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { printYaml } from '../../../../src/config/keepalived/print-yaml.ts';
import { parseConfig } from '../yaml.ts';
import { anyConfig } from './random-config.ts';
import { FILE, read } from './read.ts';

test('the same configuration in either format is the same, and so is the imported one', () => {
  const property = fc.property(anyConfig, ({ keepalived, yaml }) => {
    const fromKeepalived = read(keepalived, { director: { interface: 'eth0' } });
    expect(fromKeepalived.config).toEqual(parseConfig(yaml, 'culvert.yaml'));
    expect(parseConfig(printYaml(fromKeepalived, FILE), 'culvert.yaml')).toEqual(fromKeepalived.config);
  });
  fc.assert(property, { numRuns: 300 });
});
