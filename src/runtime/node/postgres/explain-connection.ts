import { sqlStateOf } from '../../../engine/sql-errors.ts';
import { ConfigError, DatabaseAwayError, DatabaseError, SupasaasyError } from '../../../errors.ts';
import { type Address, describeAddress } from './parse-address.ts';

/** Servers and poolers that have no connection left for us, in the words of each. */
const CROWDED =
  /too many (clients|connections)|remaining connection slots|max clients reached|no more connections allowed|query_wait_timeout/i;

export function isCrowded(error: unknown): boolean {
  return sqlStateOf(error) === '53300' || CROWDED.test(messageOf(error));
}

/** How many connections there may be, for every error that is about them. */
export const HOW_MANY =
  'DATABASE_CONNECTIONS=4 (or ?connection_limit=4 in DATABASE_URL) says how many connections this process may have';

/** Why there is no connection, and what to do about it. */
export function explainConnection(error: unknown, address: Address): SupasaasyError {
  if (error instanceof SupasaasyError) return error;
  const where = describeAddress(address);
  const message = messageOf(error);
  const code = codeOf(error);
  const sqlState = sqlStateOf(error);
  const refuse = (text: string) => new DatabaseError(`${where} ${text}`, { sqlState });
  if (isCrowded(error))
    return new DatabaseAwayError(`${where} has no connection left for us (${message}): ${HOW_MANY}`, { sqlState });
  if (sqlState === '28P01' || message.includes('password authentication failed') || message.includes('SASL'))
    return refuse(
      `refuses the user or the password (${message}). A special character in a password must be percent-encoded in the URL: % is %25, @ is %40`,
    );
  if (message.includes('no encryption'))
    return refuse(`takes only encrypted connections (${message}): add sslmode=require to the URL`);
  if (message.includes('does not support SSL'))
    return refuse('has no encryption: add sslmode=disable to the URL, if the way to it is safe');
  if (sqlState === '3D000')
    return refuse(`answers, but ${message}: make it with "create database", or name another in the URL`);
  if (code !== undefined && /CERT|SIGNATURE|ISSUER/.test(code))
    return new ConfigError(
      `${where} has a certificate that is not trusted (${message}). Name the certificate of its authority: sslmode=verify-full&sslrootcert=/path/to/ca.pem. Or encrypt without proof of who answers: sslmode=require`,
    );
  if (sqlState?.startsWith('28') === true) return refuse(`refuses the connection: ${message}`);
  return new DatabaseAwayError(`${where} cannot be reached: ${message}`, { sqlState });
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Node tries every address of a host and reports them together, without words of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  return error.message || codeOf(error) || error.name;
}
