/**
 * What to do next with an error, so that no caller guesses from a message:
 * `retry` the same work later, `pause` the app until a person has mended it, `skip` this piece (somebody else has
 * it, or it is no longer wanted), `fail` the task and say so.
 */
export type Recovery = 'retry' | 'pause' | 'skip' | 'fail';

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Milliseconds to wait before a retry, where the other side said so. */
  readonly retryAfterMs?: number;
  readonly status?: number;
}

/** Base of every error that this package throws on purpose. `message` says what happened, to which value, what to do. */
export class SupasaasyError extends Error {
  readonly code: string = 'error';
  readonly recovery: Recovery = 'fail';
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The configuration is wrong; `problems` names every path and how to mend it. */
export class ConfigError extends SupasaasyError {
  override readonly code = 'config_invalid';
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[] = [], options: ErrorOptions = {}) {
    super(problems.length === 0 ? message : `${message}\n${problems.map((p) => `  - ${p}`).join('\n')}`, options);
    this.problems = problems;
  }
}

/** An environment variable that an app needs is not set: this process is unfit for the app, and nothing else is wrong. */
export class MissingSecretError extends SupasaasyError {
  override readonly code: string = 'secret_missing';
}

/** It is set to what can be no secret. */
export class MalformedSecretError extends MissingSecretError {
  override readonly code = 'secret_malformed';
}

/** A webhook's signature does not fit its bytes. Says no more than that to the sender. */
export class WebhookVerificationError extends SupasaasyError {
  override readonly code = 'webhook_verification_failed';
  /** For counting: `unsigned`, `unreadable`, `expired` or `mismatch`. */
  readonly refusal: 'unsigned' | 'unreadable' | 'expired' | 'mismatch';

  constructor(message: string, refusal: WebhookVerificationError['refusal'] = 'mismatch', options: ErrorOptions = {}) {
    super(message, options);
    this.refusal = refusal;
  }
}

/** The provider allows no more requests now. Never a failure: the work waits `retryAfterMs` and goes on. */
export class RateLimitError extends SupasaasyError {
  override readonly code = 'rate_limited';
  override readonly recovery = 'retry';
  /** Seconds, as HTTP's `Retry-After` counts. */
  get retryAfter(): number {
    return (this.retryAfterMs ?? 0) / 1000;
  }
}

/** The provider refuses the key: nothing more is asked until a person has mended it. */
export class AuthenticationError extends SupasaasyError {
  override readonly code: string = 'authentication_failed';
  override readonly recovery = 'pause';
}

/** The key is good, but it belongs to another account than the one that the app mirrors. */
export class WrongAccountError extends AuthenticationError {
  override readonly code: string = 'account_wrong';
}

/** The key may not read this resource; the others go on. */
export class PermissionError extends SupasaasyError {
  override readonly code = 'permission_missing';
}

/** The object does not exist (any more). */
export class NotFoundError extends SupasaasyError {
  override readonly code = 'not_found';
  override readonly recovery = 'skip';
  /** Milliseconds on the provider's clock: it did not exist at some moment in [version, versionUntil]. */
  readonly moment: { readonly version: number; readonly versionUntil: number } | undefined;

  constructor(message: string, options: ErrorOptions & { readonly moment?: NotFoundError['moment'] } = {}) {
    super(message, options);
    this.moment = options.moment;
  }
}

/** The provider is out of order, or its answer was cut: try again later. */
export class ProviderError extends SupasaasyError {
  override readonly code = 'provider_failed';
  override readonly recovery = 'retry';
}

/** The provider's paging leads nowhere: an empty page that claims more, a cursor that repeats. */
export class PagingError extends SupasaasyError {
  override readonly code = 'paging_broken';
  override readonly recovery = 'retry';
}

/** The description does not fit the answers: a path leads to nothing, or paging works another way. */
export class DescriptionError extends SupasaasyError {
  override readonly code = 'description_wrong';
}

/** The provider understood and refused: asking again the same way is useless. */
export class RequestRefusedError extends SupasaasyError {
  override readonly code = 'request_refused';
}

/** The cursor is worthless (its object was deleted, it expired): the list goes on another way. */
export class CursorLostError extends SupasaasyError {
  override readonly code = 'cursor_lost';
  override readonly recovery = 'retry';
}

/** The lease ran out and another worker has the task: whatever we hold is not written. */
export class LeaseLostError extends SupasaasyError {
  override readonly code = 'lease_lost';
  override readonly recovery = 'skip';
}

/** A handler's word: this change will never succeed. It becomes a dead letter at once. */
export class NonRetriableError extends SupasaasyError {
  override readonly code: string = 'non_retriable';
}

/** A handler's word: again, but not before `retryAfterMs`. Counts as an attempt. */
export class RetryAfterError extends SupasaasyError {
  override readonly code = 'retry_after';
  override readonly recovery = 'retry';

  constructor(message: string, retryAfterMs: number, options: ErrorOptions = {}) {
    super(message, { ...options, retryAfterMs });
  }
}

/** The database refused or cannot be reached. `sqlState` is PostgreSQL's code where it gave one. */
export class DatabaseError extends SupasaasyError {
  override readonly code = 'database_failed';
  override readonly recovery = 'retry';
  readonly sqlState: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly sqlState?: string | undefined } = {}) {
    super(message, options);
    this.sqlState = options.sqlState;
  }
}

/** The database is away: it cannot be reached, restarts, or the connection ended. The same work is done when it is back. */
export class DatabaseAwayError extends DatabaseError {}

/** One line for people: the message, and what lies behind it. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause === undefined ? '' : describeError(error.cause);
  const own = error.message || error.name;
  return inner === '' || own.includes(inner) ? own : `${own} (${inner})`;
}
