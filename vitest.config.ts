import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** `unit` tests run side by side; `system` tests build namespaces and load BPF programs, so one file at a time. */
const config: ViteUserConfig = defineConfig({
  test: {
    reporters: ['default', './test/skipped-reporter.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

export default config;
