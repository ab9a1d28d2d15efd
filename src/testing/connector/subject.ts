import type { SqlDatabase } from '../../engine/database.ts';
import type { Connector } from '../../kit/connector.ts';

/** A connector on trial, with an emulated or recorded account behind it. */
export interface ConnectorSubject {
  readonly connector: Connector;
  /** A small account in its first state: the same each time. A few dozen objects of each kind are plenty. */
  account(): TrialAccount;
  /**
   * A database with the migrations of the engine and of this connector; asked for once. A PGlite in memory unless told,
   * which takes two seconds to make.
   */
  database?(): Promise<SqlDatabase>;
  /** What `config` of the app needs beside secrets. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Resources on trial; all unless told. */
  readonly resources?: readonly string[];
  /**
   * What to compare of an object, where mirror and truth may differ: without what a list does not show, or (`by` is
   * `news`) what changes without an event.
   */
  see?(resource: string, object: Json, by: 'list' | 'news'): unknown;
  /** Resources of which some objects exist that no list shows: those need not be in the mirror. */
  readonly hidden?: readonly string[];
  /**
   * Deliveries as the provider would send them about another account, workspace or mode, made from one about ours.
   * Unless told: the same body with another account, where events name one.
   */
  foreign?(body: string): readonly string[];
  /** A verified body of a type that nobody has heard of yet. */
  readonly unknownEvent?: string;
  /** What this provider cannot do by its nature: title of the check → the reason. Such a check is skipped. */
  readonly cannot?: Readonly<Record<string, string>>;
}

export type Json = Record<string, unknown>;

/** The provider's side of the trial. */
export interface TrialAccount {
  readonly apiKey: string;
  readonly webhookSecret: string;
  readonly fetch: typeof fetch;
  /** The provider's clock, milliseconds; the real one unless told. The engine takes it for its own. */
  now?(): number;
  /** Every living object as the API shows it. */
  objects(resource: string): Iterable<{ readonly id: string; readonly json: string }>;
  /** One change of the world, and what the provider would send. */
  mutate(): readonly TrialDelivery[];
}

export interface TrialDelivery {
  readonly body: string;
  sign(body: string, atMs: number): Readonly<Record<string, string>>;
}

/** One sentence about connectors, and how to see whether it is true: `run` throws when it is not. */
export interface ConnectorCase {
  readonly group: string;
  readonly title: string;
  run(subject: ConnectorSubject): Promise<void>;
}

/** A case that asks nothing of a database. */
export function check(
  group: string,
  title: string,
  run: (subject: ConnectorSubject) => void | Promise<void>,
): ConnectorCase {
  return { group, title, run: async (subject) => await run(subject) };
}

export function collectionOf(connector: Connector, resource: string): string {
  const found = connector.resources[resource];
  if (found === undefined) throw new Error(`${connector.metadata.name} has no resource "${resource}"`);
  return found.collection;
}
