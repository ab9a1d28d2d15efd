import { z } from 'zod';
import { ConfigError } from '../../errors.ts';
import type { Transaction } from '../database.ts';
import type { FetchAt, Log, Resolve } from '../ports.ts';
import type { Change, Lag } from './change.ts';
import type { ConsumerApi } from './consumer-api.ts';
import type { ConsumerSettings, Source } from './source.ts';

/** What a handler has beside the change. */
export interface HandlerContext {
  readonly consumer: string;
  /** 1 at the first delivery. */
  readonly attempt: number;
  /** The same at every delivery of this change: pass it on to whoever understands idempotency keys. */
  readonly idempotencyKey: string;
  /** Aborts when the handler's time is over, the lease was lost, or the process ends. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** All addresses of a host's name, on platforms that can tell. */
  readonly resolve?: Resolve | undefined;
  readonly fetchAt?: FetchAt | undefined;
  /** Starts and advances work. */
  readonly api: ConsumerApi;
  /**
   * With `transaction: true`: what is written through it commits together with the acknowledgement, or not at all.
   * Throws otherwise.
   */
  readonly tx: Transaction;
}

/** Processes one change (the specification's ConnectorFunc). Resolves: done. Throws: see `NonRetriableError`, `RetryAfterError`. */
export type Handler<Payload = unknown> = (
  change: Change<Payload>,
  context: HandlerContext,
) => Promise<unknown> | unknown;

const durationMs = z.number().min(0);
const schema = z.object({
  name: z.string().regex(/^[a-z0-9_-]{1,64}$/, 'must match ^[a-z0-9_-]{1,64}$'),
  parallel: z.int().min(1).max(64).default(1),
  batch: z.int().min(1).max(1000).default(100),
  start: z.union([z.enum(['start', 'now']), z.date()]).default('now'),
  errBackOff: durationMs.default(1000),
  maxAttempts: z.int().min(1).default(10),
  onDead: z.enum(['skip', 'block']).default('skip'),
  redriveAfter: z.number().min(1000).optional(),
  consumeLag: durationMs.default(0),
  lagAlert: durationMs.optional(),
  lease: z.number().min(50).default(30_000),
  timeout: z.number().min(1).default(60_000),
  poll: z.number().min(5).default(500),
  thin: z.boolean().default(false),
  transaction: z.boolean().default(false),
  pauseAfterFailing: durationMs.optional(),
});

/** What a person writes; durations in milliseconds. */
export interface ConsumerInput<Payload = unknown> extends z.input<typeof schema> {
  readonly source: Source<Payload>;
  readonly handler: Handler<Payload>;
  /** False: acknowledged without asking the handler. */
  readonly filter?: (change: Change<Payload>) => boolean;
  /** Called once each time the consumer becomes late (see `lagAlert`). */
  readonly onLagAlert?: (lag: Lag) => void;
  /** Milliseconds to the next attempt, in place of the exponential backoff. */
  readonly retryDelay?: (attempt: number) => number;
}

/** A checked consumer, as the runtime reads it. */
export interface Consumer
  extends Omit<ConsumerInput, keyof z.input<typeof schema> | 'handler' | 'filter'>,
    ConsumerSettings {
  // Methods, so that a handler of one kind of payload is a handler.
  handler(change: Change, context: HandlerContext): Promise<unknown> | unknown;
  filter?(change: Change): boolean;
  /** Changes taken at one time. */
  readonly batch: number;
  /** A handler that has not returned by then counts as failed. */
  readonly timeout: number;
  /** How often to look for changes where no notice arrives. */
  readonly poll: number;
  readonly transaction: boolean;
  /** Pauses the consumer when nothing has succeeded for so long. */
  readonly pauseAfterFailing: number | undefined;
}

const LATE_MS = 30 * 60_000;

/**
 * Names a consumer, its source and its handler (the specification's AddConnector). Throws a `ConfigError` that lists
 * every mistake.
 */
export function defineConsumer<Payload = unknown>(input: ConsumerInput<Payload>): Consumer {
  const parsed = schema.safeParse(input);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  if (typeof input.source?.open !== 'function')
    problems.push('source: must be a source, like changes({collections: ["acme_customer"]})');
  if (input.redriveAfter !== undefined && input.source?.declaration === undefined)
    problems.push('redriveAfter: needs a source that lives in the database');
  if (typeof input.handler !== 'function') problems.push('handler: must be a function of (change, context)');
  if (!parsed.success || problems.length > 0)
    throw new ConfigError(`consumer "${String(input.name)}" has mistakes:`, problems);
  const { source, handler, filter, onLagAlert, retryDelay } = input;
  return {
    ...parsed.data,
    lagAlert: parsed.data.lagAlert ?? LATE_MS + parsed.data.consumeLag,
    pauseAfterFailing: parsed.data.pauseAfterFailing,
    redriveAfter: parsed.data.redriveAfter,
    source,
    handler,
    ...(filter === undefined ? {} : { filter }),
    ...(onLagAlert === undefined ? {} : { onLagAlert }),
    ...(retryDelay === undefined ? {} : { retryDelay }),
  };
}

/** A handler made of one handler per type; types without one are acknowledged (`otherwise` is asked where it is given). */
export function byType<Payload = unknown>(
  handlers: Readonly<Record<string, Handler<Payload>>>,
  otherwise?: Handler<Payload>,
): Handler<Payload> {
  return async (change, context) =>
    await (Object.hasOwn(handlers, change.type) ? handlers[change.type] : otherwise)?.(change, context);
}
