import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * `unit` tests run side by side; `system` tests build namespaces and load BPF programs, in two processes at a time, as much of their
 * time goes by in waits. `long` has what takes minutes: files of its own, and some of the others with larger numbers (test/long.ts).
 */
const LONG = 'test/**/*.long.test.ts';
const LONGER = [
  'test/unit/director/model-based.test.ts',
  'test/unit/forwarding/image/consistency.test.ts',
  'test/system/fast-path/fast-path-differential.test.ts',
];
const common = { setupFiles: ['test/patience.ts'], expect: { poll: { timeout: 50_000 } } };
const twoAtATime = {
  pool: 'forks',
  maxWorkers: 2,
  testTimeout: 120_000,
  hookTimeout: 180_000,
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'text'] },
    reporters: ['default', './test/skipped-reporter.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: [LONG],
          testTimeout: 60_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          ...twoAtATime,
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          exclude: [LONG],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          ...twoAtATime,
          name: 'long',
          include: [LONG, ...LONGER],
          env: { CULVERT_LONG_TESTS: '1' },
          testTimeout: 600_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
