import type { Ink } from '../http/ink.ts';
import type { Shape } from '../http/shape.ts';
import type { Population, TableName } from './population.ts';

/** What a resource may ask while it is written: the population, and other objects as they are now. */
export interface World extends Population {
  writeCurrent(ink: Ink, table: TableName, position: number): void;
}

export type StripeObject = { id: string; object: string; created?: number; [key: string]: unknown };

/** How one list parameter selects: `base` from the position (without writing the object), `stored` from the object. */
export interface Filter {
  readonly kind?: 'text' | 'boolean' | 'range' | 'list' | 'hash';
  readonly base?: (position: number, value: string) => boolean;
  /** Default: the field of the same name equals the value. */
  readonly stored?: (object: StripeObject, value: string) => boolean;
  /** For `range`: the number that is compared; default: the field of the same name. */
  readonly number?: (object: StripeObject) => unknown;
  /** Parent whose children are selected, so that only they are looked at. */
  readonly parent?: TableName;
}

/** One table of the account: how its first objects look and what its list understands. */
export interface Resource {
  readonly table: TableName;
  readonly object: string;
  /** List path. */
  readonly path: string;
  /** Prefix of its event types, e.g. `customer.subscription`. */
  readonly events?: string;
  /** Whether the list takes `created`. */
  readonly created: boolean;
  readonly filters: Readonly<Record<string, Filter>>;
  /** Filters in force where the request names none (Stripe hides some objects by default). */
  readonly defaults?: Readonly<Record<string, string>>;
  readonly write: Shape<number>;
  /** The object with complete nested lists and references instead of copies; default: what `write` says. */
  readonly whole?: (position: number) => StripeObject;
  /** From the stored object to the one that the API shows; the inverse of `whole`. */
  readonly present?: (stored: StripeObject) => StripeObject;
}
