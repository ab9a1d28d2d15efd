import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import {
  ConfigError,
  DatabaseError,
  describeError,
  MissingSecretError,
  SupasaasyError,
  WebhookVerificationError,
} from '../../errors.ts';
import type { Log } from '../ports.ts';
import { answerJson } from './answer-json.ts';

/** An answer that is no success, thrown by whoever notices. `message` is what the caller reads. */
export class HttpError extends SupasaasyError {
  override readonly code: string;
  override readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const LATER = { 'Retry-After': '10' };

/** The one table from an error to what the caller is told. What is not in it is ours, and says nothing outside. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof WebhookVerificationError) return new HttpError(401, 'unauthorized', 'unauthorized');
  if (error instanceof MissingSecretError) return new HttpError(503, error.code, error.message, LATER);
  if (error instanceof ConfigError) return new HttpError(400, error.code, error.message);
  if (error instanceof DatabaseError)
    return new HttpError(503, 'database_unavailable', 'the database does not answer as it should; try again', LATER);
  return new HttpError(500, 'internal_error', 'something went wrong here; the log has the reason');
}

export function answerError(c: Context, error: unknown, log: Log): Response {
  const told = toHttpError(error);
  if (told.status >= 500) log('error', `${c.req.method} ${c.req.path}: ${describeError(error)}`);
  return answerJson(c, { error: { code: told.code, message: told.message } }, told.status, { ...told.headers });
}
