import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { ConfigError } from '../../../errors.ts';

export interface Encryption {
  /** As `pg` takes it; undefined where the URL does not say (then PGSSLMODE may). */
  readonly ssl: boolean | ConnectionOptions | undefined;
  /** Without encryption where the server has none. */
  readonly optional: boolean;
  /** Whether the server must prove who it is. */
  readonly verified: boolean;
  readonly channelBinding: boolean;
}

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * `sslmode` as libpq and psql mean it, which is what hosts hand out: `require` encrypts and trusts any server, unless
 * `sslrootcert` names whom to trust. https://www.postgresql.org/docs/current/libpq-ssl.html
 */
export function parseEncryption(
  parameter: (name: string) => string | undefined,
  wrong: (what: string) => ConfigError,
): Encryption {
  const read = (name: string) => {
    const file = parameter(name);
    if (file === undefined) return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw wrong(`names a file in ${name} that cannot be read (${code}): ${file}`);
    }
  };
  const system = parameter('sslrootcert') === 'system';
  const mode = parameter('sslmode') ?? fromSsl(parameter('ssl'));
  if (mode !== undefined && !MODES.includes(mode)) throw wrong(`has an sslmode that is none of ${MODES.join(', ')}`);
  const channelBinding = parameter('channel_binding') === 'require' || parameter('channel_binding') === 'prefer';
  if (mode === 'disable') return { ssl: false, optional: false, verified: false, channelBinding: false };
  const ca = system ? undefined : read('sslrootcert');
  const [cert, key, passphrase] = [read('sslcert'), read('sslkey'), parameter('sslpassword')];
  if (mode === undefined && ca === undefined && cert === undefined && !system)
    return { ssl: undefined, optional: false, verified: false, channelBinding };
  if (mode === 'verify-ca' && ca === undefined)
    throw wrong(
      'has sslmode=verify-ca without sslrootcert, the file of the certificate to trust. With a public one: sslmode=verify-full',
    );
  const files = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  const trusting = mode === 'no-verify' || mode === 'allow' || mode === 'prefer';
  if (trusting || (mode === 'require' && ca === undefined && !system))
    return {
      ssl: { ...files, rejectUnauthorized: false },
      optional: mode === 'allow' || mode === 'prefer',
      verified: false,
      channelBinding,
    };
  const anyName = (mode === 'require' || mode === 'verify-ca') && !system;
  return {
    ssl: { ...files, ...(anyName ? { checkServerIdentity: () => undefined } : {}) },
    optional: false,
    verified: true,
    channelBinding,
  };
}

/** `ssl=true`, as `pg` and JDBC write it. */
function fromSsl(text: string | undefined): string | undefined {
  if (text === 'true' || text === '1') return 'verify-full';
  if (text === 'false' || text === '0') return 'disable';
  return text;
}
