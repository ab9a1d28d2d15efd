/**
 * The tests that are tried on a mutant: those that run in this process and on one PostgreSQL. Left out are what starts
 * programs and servers, and what tests the sandbox or the tools.
 */
export const TEST_FILES: readonly string[] = [
  'test/{acceptance,connectors,http,proof,properties,testing}/**/*.test.ts',
  'test/engine/!(full-disk|server-crash|upgrade).test.ts',
  'test/feed/!(hosts|nats|docs|restore).test.ts',
  'test/supabase/{access,member}.test.ts',
  'test/config.test.ts',
];
