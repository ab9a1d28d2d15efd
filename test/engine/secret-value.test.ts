import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, it, onTestFinished } from 'vitest';
import { adminKeysOf } from '../../src/cli/admin-keys.ts';
import { redact } from '../../src/cli/redact.ts';
import { changes } from '../../src/engine/feed/database-source.ts';
import { definePush } from '../../src/engine/feed/push.ts';
import { readSecret, type SecretUse } from '../../src/engine/secret-value.ts';
import { ConfigError, MalformedSecretError } from '../../src/errors.ts';
import { loadEnvFile } from '../../src/runtime/node/env-file.ts';
import { parseAddress } from '../../src/runtime/node/postgres/parse-address.ts';

const SECRET = 'sk_live_0123456789';
const AROUND = [
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\u00a0',
  '\ufeff',
  '\u200b',
  '\u200d\u2060',
  '\u202f',
  '\u0000',
  ' \n\u00a0\r',
];
const WRONG: Record<string, readonly [SecretUse, RegExp]> = {
  [`"${SECRET}"`]: ['key', /in quotes/],
  [`'${SECRET}'`]: ['signature', /in quotes/],
  [`${SECRET}"`]: ['key', /ends with a quote/],
  [`\u201c${SECRET}\u201d`]: ['signature', /quote/],
  [`${SECRET}\nOTHER=1`]: ['signature', /line break or an invisible character.*U\+000A/],
  [`sk_live\u200b_01234`]: ['signature', /U\+200B/],
  [`sk_live _01234`]: ['key', /blank/],
  [`sk_live_é0123`]: ['key', /no HTTP header/],
};

it('C18: what came along when a secret was copied is no part of it', () => {
  for (const use of ['key', 'signature'] as const)
    for (const more of AROUND)
      expect(readSecret({ KEY: `${more}${SECRET}${more}` }, 'KEY', 'shop', use), JSON.stringify(more)).toBe(SECRET);
});

it('C18: a value that can be no secret is refused with the variable and the reason, without a part of the value', () => {
  for (const [value, [use, reason]] of Object.entries(WRONG)) {
    let thrown: unknown;
    try {
      readSecret({ KEY: value }, 'KEY', 'shop', use);
    } catch (error) {
      thrown = error;
    }
    expect(thrown, JSON.stringify(value)).toBeInstanceOf(MalformedSecretError);
    expect(String(thrown)).toMatch(reason);
    expect(String(thrown)).toContain('KEY');
    expect(String(thrown)).not.toMatch(/sk_live|0123/);
  }
});

it('C18: admin keys, the secrets of pushes and the address of the database are read by the same rule', () => {
  expect(adminKeysOf({ SUPASAASY_ADMIN_KEY: '\ufeffone\u200b, two\r\n' })).toEqual(['one', 'two']);
  expect(() => adminKeysOf({ SUPASAASY_ADMIN_KEY: '"one"' })).toThrow(ConfigError);
  const push = (PUSH: string) =>
    definePush({ name: 'p', source: changes(), url: 'https://example.com/hook', secretEnv: 'PUSH', env: { PUSH } });
  const good = `whsec_${btoa('a secret of thirty-two characters')}`;
  expect(() => push(`${good}\n`)).not.toThrow();
  expect(() => push('')).not.toThrow();
  expect(() => push(`"${good}"`)).toThrow(/PUSH is in quotes/);
  expect(() => push('no base64!')).toThrow(/PUSH is no secret to sign with/);
  const url = 'postgresql://me:secret@db.example.com/app';
  expect(parseAddress(`\ufeff${url}\u200b\r\n`)).toMatchObject({ database: 'app', password: 'secret' });
  expect(() => parseAddress(`"${url}"`)).toThrow(/DATABASE_URL is in quotes/);
});

it('C18: a secret is hidden in what is printed, with and without the line end that its variable has', () => {
  expect(redact(`the key ${SECRET} fails`, { SHOP_KEY: `${SECRET}\n` })).toBe('the key [secret] fails');
});

it('C18: .env is read with a byte order mark, with CRLF, with quotes and in UTF-16', () => {
  const text = 'C18_ONE=sk_1\r\nC18_TWO="sk 2"\r\n\r\n# note\r\nC18_THREE=sk_3\r\n';
  const folder = mkdtempSync(join(tmpdir(), 'supasaasy-env-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const bytes of [`\ufeff${text}`, text, Buffer.from(`\ufeff${text}`, 'utf16le')]) {
    for (const name of ['C18_ONE', 'C18_TWO', 'C18_THREE']) delete process.env[name];
    writeFileSync(join(folder, '.env'), bytes);
    loadEnvFile(folder);
    expect([process.env['C18_ONE'], process.env['C18_TWO'], process.env['C18_THREE']]).toEqual([
      'sk_1',
      'sk 2',
      'sk_3',
    ]);
  }
});
