import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Where JSON is none of a provider's, and why `src/kit/json.ts` is not asked. */
const OWN: Readonly<Record<string, string>> = {
  'src/kit/json.ts': 'it is the place',
  'src/runtime/node/door.ts': 'our own file: an address and a key',
  'src/runtime/node/deployment-name.ts': 'package.json',
  'src/runtime/node/pglite/unread.ts': 'leaves what may not be exact to parseJson',
  'src/runtime/supabase/admin-keys.ts': 'keys in an environment variable',
  'src/runtime/supabase/rest-database.ts': 'takes its own text back out of what supabase-js wrote',
  'src/runtime/edge/edge-log.ts': 'a line of the log',
  'src/runtime/edge/serve-edge.ts': 'a fixed answer',
  'src/cli/demo.ts': 'control of the emulator',
  'src/cli/edge-functions.ts': 'our own manifest, and deno.json',
  'src/cli/commands/init.ts': 'our own manifest',
  'src/engine/sync/list-page.ts': 'requests, to compare them',
  'src/runtime/node/package-folder.ts': 'package.json',
  'src/engine/assemble.ts': 'the configuration as SQL',
  'src/config-mistakes.ts': 'words about the configuration',
  'src/testing/connector/description.ts': 'requests, to compare them',
  'src/testing/connector/mirroring.ts': 'a page of an emulator without its cursor',
  'src/testing/connector/webhooks.ts': 'quotes in an error message',
};
const FORBIDDEN = /JSON\.(?:parse|stringify)\(|\.json\(\)|\bc\.json\(|\bResponse\.json\(/;

const files = ['src', 'connectors'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|js)$/.test(name) && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name)),
);
const breaks = (text: string) =>
  text.split('\n').some((line) => !/^\s*(?:\/\/|\*|\/\*)/.test(line) && FORBIDDEN.test(line));

describe('JSON of a provider', () => {
  it('C31: is parsed and written by src/kit/json.ts alone, which changes no number', () => {
    expect(files.filter((file) => OWN[file] === undefined && breaks(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('C31: the check finds each way around it', () => {
    for (const way of [
      'JSON.parse(text)',
      'JSON.stringify(x)',
      'await r.json()',
      'return c.json(x)',
      'Response.json(x)',
    ])
      expect(breaks(way), way).toBe(true);
  });
});
