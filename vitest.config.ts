import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/setup/longest-first.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'connectors/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/gate/canaries/**'],
    globalSetup: ['test/setup/postgres.ts'],
    setupFiles: ['test/setup/determinism.ts'],
    // Processes, not threads: PGlite's memory goes back to the system with each file.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    // Real servers on a shared machine: a lease of milliseconds may end while the machine does something else.
    retry: process.env['CI'] === undefined ? 0 : 2,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    reporters: ['default', './test/setup/reporter.ts'],
    env: { TZ: 'UTC' },
  },
});
