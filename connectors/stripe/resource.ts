import type { NextPage, Path, Resource } from '../../src/kit/index.ts';

/** A resource, and how Stripe's events name it. */
export interface StripeResource extends Resource {
  /** The value of the objects' own `object` field. */
  readonly object: string;
  /** The events to subscribe to and to ask the event log for: those about it, and those that mean it must be read again. */
  readonly events: readonly string[];
  /** Why an event's snapshot shows less than the API, so that the object is read again. */
  readonly snapshotLacks?: string;
}

type List = NonNullable<Resource['list']>;

interface Description {
  readonly object?: string;
  /** `/v1/customers`; absent: it comes nested in its parent. */
  readonly path?: string;
  /** Whether the list takes `created[gte]`. Default: yes. */
  readonly ranged?: boolean;
  readonly list?: Pick<List, 'variants' | 'incomplete' | 'hides' | 'fallback' | 'query'>;
  /** Nested lists to ask for, as seen from one object. */
  readonly expand?: string;
  /** Where one object is asked for, if not at `path` and its id. */
  readonly retrieve?: string;
  readonly perParent?: { readonly path: string; readonly query?: Readonly<Record<string, string>> };
  readonly events: readonly string[];
  readonly snapshotLacks?: string;
  /** The field with the time of creation; false: there is none. Default: `created`. */
  readonly created?: string | false;
  readonly parent?: Path;
  readonly archived?: Resource['archived'];
  readonly volatile?: readonly string[];
  readonly detach?: readonly string[];
  readonly children?: Resource['children'];
  readonly incremental?: Resource['incremental'];
  readonly docs: string;
}

/** Stripe returns at most so many objects a page. https://docs.stripe.com/api/pagination */
const PAGE_SIZE = 100;
const NEXT: NextPage = { style: 'last_id', more: ['has_more'] };

/** Product, price, plan, promotion code and tax rate are never deleted when in use; they are put out of use. */
export const WHEN_INACTIVE = { path: ['active'], equals: false } as const;

export const HOUR_MS = 3_600_000;

/** What a discount changes beside itself: its customer, subscription, coupon and promotion code. */
export const DISCOUNT_EVENTS = [
  'customer.discount.created',
  'customer.discount.updated',
  'customer.discount.deleted',
] as const;

/** Both halves of a list whose default hides one of them, or may. */
export const ACTIVE_AND_INACTIVE = [{ active: 'true' }, { active: 'false' }] as const;

/** Completes the description of one kind of Stripe object with what they all have in common. */
export function stripeResource(name: string, description: Description): StripeResource {
  const { path, perParent, expand } = description;
  const retrieve = description.retrieve ?? (path === undefined ? undefined : `${path}/{id}`);
  return {
    name,
    collection: `stripe_${name}`,
    object: description.object ?? name,
    events: description.events,
    records: ['data'],
    id: ['id'],
    deleted: { path: ['deleted'], equals: true },
    incremental: description.incremental ?? { by: 'events' },
    docs: description.docs,
    ...(description.created === false ? {} : { created: { path: [description.created ?? 'created'], unit: 's' } }),
    ...(path === undefined
      ? {}
      : {
          list: {
            path,
            pageSize: PAGE_SIZE,
            next: NEXT,
            ranged: description.ranged ?? true,
            ...description.list,
            query: { ...description.list?.query, ...(expand === undefined ? {} : { 'expand[]': `data.${expand}` }) },
          },
        }),
    ...(retrieve === undefined
      ? {}
      : { retrieve: { path: retrieve, ...(expand === undefined ? {} : { query: { 'expand[]': expand } }) } }),
    ...(perParent === undefined ? {} : { perParent: { ...perParent, pageSize: PAGE_SIZE, next: NEXT } }),
    ...given({
      ...description,
      children: description.children?.map((child) =>
        child.path[0] === expand ? { ...child, askedBy: 'expand[]' } : child,
      ),
    }),
  };
}

type Optional = Pick<StripeResource, 'snapshotLacks' | 'parent' | 'archived' | 'volatile' | 'detach' | 'children'>;

/** Those that are given: an optional property is absent, never undefined. */
function given({
  snapshotLacks,
  parent,
  archived,
  volatile,
  detach,
  children,
}: Partial<Record<keyof Optional, unknown>>): Optional {
  const all = { snapshotLacks, parent, archived, volatile, detach, children };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
