import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/setup/longest-first.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The package in projects of its own, and the database set-ups: minutes by themselves. `npm run test:matrix` runs them. */
export const MATRIX = ['test/package/**/*.test.ts', 'test/databases/**/*.test.ts'];

export default defineConfig({
  // The package by its own name is its sources: what a test imports is what it tests.
  resolve: {
    alias: [
      { find: /^supasaasy$/, replacement: path('src/index.ts') },
      { find: /^supasaasy\/(kit|testing)$/, replacement: path('src/$1/index.ts') },
      { find: /^supasaasy\/(node|edge|nats)$/, replacement: path('src/runtime/$1/index.ts') },
      { find: /^supasaasy\/sandbox$/, replacement: path('sandbox/index.ts') },
      { find: /^supasaasy\/connectors\/([a-z0-9_-]+)$/, replacement: path('connectors/$1/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'connectors/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/gate/canaries/**', ...MATRIX],
    globalSetup: ['test/setup/dist.ts', 'test/setup/postgres.ts'],
    setupFiles: ['test/setup/determinism.ts'],
    // Processes, not threads: PGlite's memory goes back to the system with each file.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // A busy machine is slow. No test may fail because of the time it took: these limits only end a test that hangs.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // A test that fails once has found something.
    retry: 0,
    reporters: ['default', './test/setup/reporter.ts'],
    env: { TZ: 'UTC' },
  },
});
