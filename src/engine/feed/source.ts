import type { Database } from '../database.ts';
import type { Ports } from '../ports.ts';
import type { AckResult, Batch, Change, Lag, NackResult } from './change.ts';
import type { HandledStats } from './handled-stats.ts';

/** What a consumer wants of its source; durations in milliseconds. */
export interface ConsumerSettings {
  readonly name: string;
  readonly parallel: number;
  readonly maxAttempts: number;
  readonly errBackOff: number;
  readonly onDead: 'skip' | 'block';
  /** Dead letters come once more by themselves after so long. */
  readonly redriveAfter?: number | undefined;
  readonly consumeLag: number;
  readonly lagAlert: number;
  readonly lease: number;
  /** Without `before`, `after` and `changed_fields`. */
  readonly thin: boolean;
  /** Where a consumer that is new begins. */
  readonly start: 'start' | 'now' | Date;
}

export interface SourceContext {
  readonly settings: ConsumerSettings;
  readonly ports: Ports;
  /** Absent where there is none: sources that live in it refuse then. */
  readonly database?: Database;
}

/** Makes receivers (the specification's ConnectorConstructor). */
export interface Source<Payload = unknown> {
  /** Never there. It carries the type of the payloads from the source to the handler. */
  readonly payload?: Payload;
  /** For logs: `changes`, `inbox`, `table:public.orders`. */
  readonly name: string;
  /** What the database is told of the consumer, for sources that live in it. */
  readonly declaration?: SourceDeclaration;
  open(context: SourceContext): Promise<Receiver>;
}

export interface SourceDeclaration {
  readonly kind: 'changes' | 'messages';
  readonly topic?: string;
  readonly filter?: Readonly<Record<string, readonly string[]>>;
  /** A table whose rows are the events, and the column that tells them apart. */
  readonly watch?: { readonly table: string; readonly key: string };
}

/**
 * Receives (the specification's ConnectorConsumer). What is not acknowledged comes again; order is kept per
 * `foreign_id`; a change that was given back holds back its own entity only. Every implementation passes the suite of
 * `supasaasy/testing`.
 */
export interface Receiver {
  recv(limit: number, signal?: AbortSignal): Promise<Batch>;
  /** Throws `LeaseLostError` when all of it belongs to somebody else by now. */
  ack(token: number, changes: readonly Change[], stats?: HandledStats): Promise<AckResult>;
  /** Back, to come again after `delayMs` (default: the consumer's backoff); `dead` gives it up at once. */
  nack(
    token: number,
    change: Change,
    failure: { readonly error: string; readonly delayMs?: number; readonly dead?: boolean },
  ): Promise<NackResult>;
  /** Throws `LeaseLostError` when nothing is left to extend. */
  extend(token: number, leaseMs?: number): Promise<void>;
  /** Gives back at once what was not answered. */
  release(token: number): Promise<void>;
  lag(): Promise<Lag>;
  seek(to: 'start' | 'now' | Date): Promise<void>;
  pause(reason: string): Promise<void>;
  /** What was flushed is kept, what is out is given back. */
  close(): Promise<void>;
}
