import { describe, expect, it } from 'vitest';
import { redact } from '../../src/cli/redact.ts';
import { describeAddress, parseAddress } from '../../src/runtime/node/postgres/parse-address.ts';
import { ONE_APP, run, temporaryFolder } from '../cli/cli.ts';

/** Passwords as a person pastes them: not percent-encoded. Pieces are at least four letters, so that a part is found. */
const RAW: readonly string[] = [
  'hunter@twelve',
  'hunter/twelve',
  'hunter#twelve',
  'hunter?twelve',
  'hunter:twelve',
  'hunter%twelve',
  'hunter%zztwelve',
  'hunter&twelve',
  'hunter+twelve',
  'hunter twelve',
  'hunter\ttwelve',
  'hunterñtwelve€',
  '1234/twelve',
  '1234#twelve',
  '1234?twelve',
  '1234@twelve/horse',
  'hunter@twelve@horse',
  'hunter/twelve@horse',
  'hunter@twelve/horse#saddle?bridle',
  '/hunter/',
  '#hunter',
  '?hunter=twelve&horse=saddle',
  'hunter[twelve]horse',
  'hunter\\twelve',
  '@hunter',
  'hunter@',
  '%hunter%',
];

const wordsOf = (password: string) => password.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 3);

describe('the address of a database', () => {
  it.each(RAW)(
    'C37: a password like %j is understood, or no part of it is shown and the error says what to encode',
    (password) => {
      const url = `postgresql://owner:${password}@db.example.com:5432/shop`;
      let address: ReturnType<typeof parseAddress>;
      try {
        address = parseAddress(url);
      } catch (error) {
        const { message } = error as Error;
        for (const word of wordsOf(password)) expect(message).not.toContain(word);
        expect(message).toMatch(/percent-encoded/);
        expect(message).toContain('DATABASE_URL');
        return;
      }
      expect(address).toMatchObject({
        hosts: [{ host: 'db.example.com', port: 5432 }],
        user: 'owner',
        password,
        database: 'shop',
      });
      expect(describeAddress(address)).toBe('PostgreSQL db.example.com:5432/shop');
    },
  );

  it('C37: every printable character, percent-encoded, arrives as it is', () => {
    const password = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('') + 'ñ€𝄞';
    const encoded = encodeURIComponent(password);
    expect(parseAddress(`postgres://o:${encoded}@h/d`).password).toBe(password);
    expect(parseAddress('postgres://o:a@b@h/d')).toMatchObject({ password: 'a@b', hosts: [{ host: 'h' }] });
    expect(parseAddress(`postgres://${encoded}:x@h/d`).user).toBe(password);
    expect(parseAddress(`postgres://o@h/d?password=${encoded}`).password).toBe(password);
    expect(parseAddress(`postgres://o:x@h/${encoded}`).database).toBe(password);
  });

  it('C37: no parameter, port or mode that is wrong shows the password', () => {
    for (const rest of [
      'h:port/d',
      'h:99999/d',
      'h h/d',
      'h/d?sslmode=hunter',
      'h/d?connect_timeout=soon',
      'h/d?sslmode=verify-ca',
      'h/%zz',
      '[::1/d',
      '::1/d',
      'h/d?sslrootcert=/nowhere.pem',
    ]) {
      const parse = () => parseAddress(`postgres://o:saddle@${rest}`, 'SUPABASE_DB_URL');
      expect(parse, rest).toThrow('SUPABASE_DB_URL');
      expect(parse, rest).not.toThrow('saddle');
    }
  });

  it('reads hosts as libpq does: several, IPv6, a socket, and none', () => {
    expect(parseAddress('postgres://u@a:1,b:2/d').hosts).toEqual([
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]);
    expect(parseAddress('postgres://u@[2001:db8::1]:6432/d').hosts).toEqual([{ host: '2001:db8::1', port: 6432 }]);
    expect(describeAddress(parseAddress('postgres://u@[::1]:6432/d'))).toBe('PostgreSQL [::1]:6432/d');
    expect(parseAddress('postgres://u@%2Fvar%2Frun%2Fpostgresql/d').hosts[0]?.host).toBe('/var/run/postgresql');
    expect(parseAddress('postgres:///d?host=/tmp&port=5433').hosts).toEqual([{ host: '/tmp', port: 5433 }]);
    expect(parseAddress('postgres://').hosts).toEqual([{ host: '', port: undefined }]);
    expect(parseAddress(' postgres://u:p@h/d\n').database).toBe('d');
  });

  it('takes what hosts hand out', () => {
    const neon = parseAddress(
      'postgresql://o:p@ep-x-pooler.eu.example.com/d?sslmode=require&channel_binding=require&options=project%3Dep-x',
    );
    expect(neon).toMatchObject({ options: 'project=ep-x', encryption: { channelBinding: true, verified: false } });
    expect(parseAddress('postgres://o.ref:p@h:6543/postgres?pgbouncer=true&connection_limit=1')).toMatchObject({
      user: 'o.ref',
      connections: 1,
    });
    expect(parseAddress('postgres://o:p@h/d?sslmode=verify-full&sslrootcert=system').encryption.verified).toBe(true);
    expect(parseAddress('postgres://o:p@h/d?ssl=true').encryption.verified).toBe(true);
    expect(parseAddress('postgres://o:p@h/d?sslmode=no-verify').encryption.verified).toBe(false);
    expect(parseAddress('postgres://o:p@h/d').encryption.ssl).toBeUndefined();
  });

  it('C37: the last net knows a password to the last @', () => {
    const env = { DATABASE_URL: 'postgres://o:hunter@twelve/horse@h/d' };
    expect(redact('cannot open hunter@twelve/horse, sorry', env)).toBe('cannot open [secret], sorry');
  });

  it('C37: the command line prints no part of it, and ends with 2', { timeout: 120_000 }, async () => {
    const cwd = temporaryFolder(ONE_APP);
    for (const password of ['hunter/twelve', '1234#twelve@horse']) {
      const { code, stdout, stderr } = await run(['status', '--verbose'], {
        cwd,
        env: { DATABASE_URL: `postgresql://owner:${password}@127.0.0.1:1/shop` },
      });
      expect(code).toBe(2);
      for (const word of ['hunter', 'twelve', 'horse', '1234']) expect(stdout + stderr).not.toContain(word);
      expect(stderr).toContain('percent-encoded');
    }
    const { code, stderr } = await run(['status'], {
      cwd,
      env: { DATABASE_CONNECTIONS: 'four', DATABASE_URL: 'postgres://h/d' },
    });
    expect(code).toBe(2);
    expect(stderr).toContain('DATABASE_CONNECTIONS must be the number of connections');
  });
});
