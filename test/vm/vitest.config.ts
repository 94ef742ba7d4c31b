import { release } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const IS_OLDER = release().startsWith('6.1.');

/**
 * What the kernel's IPVS does with errors from the path changes once other tests have loaded its tunnel modules. What takes
 * minutes comes last, and of that each kernel runs another part first: a budget cuts off what the other one has run.
 */
const ORDER: readonly RegExp[] = [
  IS_OLDER ? /\/(golden|ipvs)\.test\.ts$/ : /\/(golden|ipvs|ipvsadm)\.test\.ts$/,
  /\/(?!lab|fast-path-table|ipvsadm)[^/]*\.test\.ts$/,
  IS_OLDER ? /\/lab\.test\.ts$/ : /\/lab-tunnels\.test\.ts$/,
  /\/(ipvsadm|fast-path-table)\.test\.ts$/,
];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = ORDER.findIndex((pattern) => pattern.test(moduleId));
  return at < 0 ? ORDER.length : at;
}

/** What runs inside a guest. An emulated CPU is some twenty times slower than a real one. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'test/vm/guest/**/*.test.ts',
      'test/system/{bpf,fast-path-frames,fast-path-table,linux-*}.test.ts',
      'test/system/realserver-{kernel,program,tunnels}.test.ts',
      'test/system/xdp-plane-vlan.test.ts',
    ],
    reporters: ['test/vm/reporter.ts'],
    // Starting Node takes longest of all: one process for all files.
    pool: 'forks',
    isolate: false,
    // Names of cases are told whole.
    chaiConfig: { truncateThreshold: 0 },
    sequence: { sequencer: InOrder },
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});

export default config;
