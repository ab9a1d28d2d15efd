import { trimUnseen } from '../../../engine/secret-value.ts';
import { ConfigError } from '../../../errors.ts';
import { type Encryption, parseEncryption } from './parse-encryption.ts';

export interface Host {
  readonly host: string;
  readonly port: number | undefined;
}

/** What a URL says of a server. What it leaves out, `pg` takes from PGUSER, PGPASSWORD and their like. */
export interface Address {
  /** Tried in their order: a server and those that may take its place. */
  readonly hosts: readonly Host[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** For the server, at the start of a session: `-c search_path=app`. */
  readonly options: string | undefined;
  readonly applicationName: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  /** Connections at most. */
  readonly connections: number | undefined;
  readonly encryption: Encryption;
}

const RESERVED =
  'special characters in it must be percent-encoded: @ as %40, / as %2F, # as %23, ? as %3F, : as %3A, % as %25, a blank as %20';

/**
 * Reads `postgresql://user:password@host:5432/database?sslmode=require`. No error shows any part of the URL: where it is
 * cut in the wrong place, every part may be one of the password.
 *
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS. Parameters that are for other
 * programs (`pgbouncer=true`, `schema=…`) are passed over.
 */
export function parseAddress(given: string, variable = 'DATABASE_URL'): Address {
  const url = trimUnseen(given);
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url)?.[1];
  if (/^["'`]|["'`]$/.test(url)) throw new ConfigError(`${variable} is in quotes: write the URL without them`);
  if (rest === undefined)
    throw new ConfigError(`${variable} must look like postgresql://user:password@host:5432/database`);
  const wrong = (what: string) => new ConfigError(`${variable} ${what}`);
  const decode = (text: string, part: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw wrong(`has a % in its ${part} that begins no percent-encoded character: ${RESERVED}`);
    }
  };

  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const after = end < 0 ? '' : rest.slice(end);
  if (/[@#]/.test(after))
    throw wrong(
      `cannot be read: after the host there is a # or an @. If the password contains such a character, then ${RESERVED}`,
    );
  const at = authority.lastIndexOf('@');
  const credentials = at < 0 ? '' : authority.slice(0, at);
  const colon = credentials.indexOf(':');
  const [path = '', search = ''] = after.split(/\?(.*)/s);
  const parameters = new Map<string, string>();
  for (const pair of search === '' ? [] : search.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    parameters.set(decode(name, 'parameters'), decode(value, 'parameters'));
  }
  const parameter = (name: string) => parameters.get(name) || undefined;
  const count = (name: string) => {
    const text = parameter(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,6}$/.test(text)) throw wrong(`has a parameter ${name} that is no number`);
    return Number(text);
  };

  const hosts = parameter('host')
    ?.split(',')
    .map((host, i, all) => {
      const ports = parameter('port')?.split(',') ?? [];
      return { host, port: portOf(ports[all.length === ports.length ? i : 0], wrong) };
    });
  const timeout = count('connect_timeout');
  const database = decode(path.slice(1), 'database') || parameter('dbname');
  return {
    hosts: hosts ?? readHosts(authority.slice(at + 1), decode, wrong),
    user: decode(colon < 0 ? credentials : credentials.slice(0, colon), 'user') || parameter('user'),
    password: (colon < 0 ? undefined : decode(credentials.slice(colon + 1), 'password')) || parameter('password'),
    database,
    options: parameter('options'),
    applicationName: parameter('application_name'),
    connectTimeoutMs: timeout === undefined ? undefined : timeout * 1000,
    connections: count('connection_limit'),
    encryption: parseEncryption(parameter, wrong),
  };
}

function readHosts(
  text: string,
  decode: (text: string, part: string) => string,
  wrong: (what: string) => ConfigError,
): Host[] {
  return text.split(',').map((one) => {
    const [, literal, name = '', port] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]*))(?::(.*))?$/s.exec(one) ?? [];
    if (literal === undefined && !/^[\p{L}\p{N}._%~-]*$/u.test(name))
      throw wrong(`has a host that cannot be one. If the password contains an @, then ${RESERVED}`);
    if (literal === undefined && name === '' && port === undefined && one !== '')
      throw wrong(`has a host that cannot be one (an IPv6 address is written in brackets: [::1])`);
    return { host: literal ?? decode(name, 'host'), port: portOf(port, wrong) };
  });
}

function portOf(text: string | undefined, wrong: (what: string) => ConfigError): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrong(`has a port that is no number from 1 to 65535. If the password contains a / or an @, then ${RESERVED}`);
  return Number(text);
}

/** Where it is, for people: no user, no password, no parameters. */
export function describeAddress({ hosts, database }: Pick<Address, 'hosts' | 'database'>): string {
  const places = hosts.map(
    ({ host, port }) =>
      `${host.includes(':') ? `[${host}]` : host || 'localhost'}${port === undefined ? '' : `:${port}`}`,
  );
  return `PostgreSQL ${places.join(',')}${database === undefined ? '' : `/${database}`}`;
}
