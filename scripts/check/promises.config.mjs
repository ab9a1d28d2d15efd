import { parser, plugin } from 'typescript-eslint';

/** Only what Biome cannot see; the rest of the linting is Biome's. */
export default [
  { ignores: ['**/node_modules/', 'dist/', 'dashboard/dist/', 'bench/peers/', 'src/generated/', '**/*.{js,mjs,cjs}'] },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser,
      parserOptions: {
        // The functions are Deno's and in no tsconfig.
        projectService: { allowDefaultProject: ['supabase/functions/*/index.ts'] },
        tsconfigRootDir: process.cwd(),
      },
    },
    plugins: { promises: plugin },
    rules: {
      // supabase-js answers with thenables, which do nothing until awaited.
      'promises/no-floating-promises': ['error', { checkThenables: true }],
      'promises/no-misused-promises': 'error',
    },
  },
];
