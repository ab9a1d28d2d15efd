import { z } from 'zod';
import { type EntityOperation, type EventType, isoMs, type NormalizedEvent, valueAt } from '../../src/kit/index.ts';
import { namedByUrl, relatedObject } from './related-object.ts';
import type { StripeResource } from './resource.ts';
import { resources } from './resources/index.ts';

const seconds = z.number().int().min(0).max(253_402_300_799);
const record = z.record(z.string(), z.unknown());

/** A snapshot event. https://docs.stripe.com/api/events/object */
const snapshotEvent = z.object({
  object: z.literal('event'),
  id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
  created: seconds,
  api_version: z.string().nullish(),
  account: z.string().nullish(),
  context: z.string().nullish().catch(undefined),
  livemode: z.boolean().nullish().catch(undefined),
  data: z.object({ object: record.catch({}), previous_attributes: record.nullish().catch(undefined) }),
});

/** A thin event names its object and shows nothing of it. https://docs.stripe.com/event-destinations#thin-events */
const thinEvent = z.object({
  object: z.literal('v2.core.event'),
  id: z.string().min(1).max(255),
  type: z.string().min(1).max(255),
  created: z.iso.datetime({ offset: true }),
  /** The account of the event: its id, or a path of ids that ends with it (`org_…/acct_…`). */
  context: z.string().nullish().catch(undefined),
  livemode: z.boolean().nullish().catch(undefined),
  related_object: relatedObject,
});

const anyEvent = z.discriminatedUnion('object', [snapshotEvent, thinEvent]);

const byObject = new Map(Object.values(resources).map((resource) => [resource.object, resource]));
const SNAPSHOT = ['data', 'object'] as const;

/** Reads one event. Throws on what is no event; an event that means nothing to us has no operations, and says why. */
export function readEvent(value: unknown): NormalizedEvent {
  const event = anyEvent.parse(value);
  if (event.object === 'v2.core.event') {
    return {
      id: event.id,
      providerType: event.type,
      occurredAt: isoMs(event.created) ?? Number.NaN,
      ...optional('account', accountIn(event.context)),
      ...optional('mode', modeOf(event.livemode)),
      ...meaningOfThin(event),
    };
  }
  const { object, previous_attributes: previous } = event.data;
  return {
    id: event.id,
    providerType: event.type,
    occurredAt: event.created * 1000,
    ...optional('apiVersion', event.api_version),
    // An organization's destination receives the events of its accounts, and `context` names the account.
    ...optional('account', event.account ?? accountIn(event.context)),
    ...optional('mode', modeOf(event.livemode)),
    // Whole in its own version's shape, which is recorded with the entity; the views read both shapes.
    ...meaningOf(event.type, object, previous ?? undefined, true),
  };
}

type Meaning = Pick<NormalizedEvent, 'operations' | 'ignored'>;
type JsonObject = Readonly<Record<string, unknown>>;

/** An object with a mirrored type and an id is named directly, any other by its url. */
function meaningOfThin({ type, related_object: related }: z.infer<typeof thinEvent>): Meaning {
  const { id, type: object, url } = related ?? {};
  if (id != null && object != null && byObject.has(object))
    return meaningOf(type.replace(/^v1\./, ''), { id, object }, undefined, false);
  if (url == null) return ignored(related == null ? 'it names no object' : `its ${object ?? 'object'} has no url`);
  const named = namedByUrl(url);
  return 'ignored' in named ? ignored(named.ignored) : { operations: named };
}

function meaningOf(type: string, object: JsonObject, previous: JsonObject | undefined, whole: boolean): Meaning {
  if (type === 'invoice.upcoming') return ignored('it previews an invoice that does not exist yet');
  if (type.startsWith('customer.discount.') || type.startsWith('customer.source.')) return ownersOf(object);
  const resource = byObject.get(String(object['object']));
  if (resource === undefined) return ignored(`"${String(object['object'])}" is no kind of object that is mirrored`);
  const id = idOf(object['id']);
  if (id === undefined) return ignored(`its ${resource.name} has no id`);
  const kind = kindOf(type, resource, object, previous);
  const readable = whole && resource.snapshotLacks === undefined;
  const operation: EntityOperation = {
    type: kind,
    resource: resource.name,
    externalId: id,
    ...(kind !== 'delete' && readable ? { object: SNAPSHOT } : {}),
  };
  return { operations: [operation, ...(resource.name === 'invoice' ? billedItems(type, object) : [])] };
}

/** A canceled subscription still exists, whatever its event is called. */
function kindOf(
  type: string,
  resource: StripeResource,
  object: JsonObject,
  previous: JsonObject | undefined,
): EventType {
  if ((type.endsWith('.deleted') && resource.name !== 'subscription') || object['deleted'] === true) return 'delete';
  if (type.endsWith('.created') || type === 'review.opened') return 'create';
  const { archived } = resource;
  const [field] = archived?.path ?? [];
  const changed = field !== undefined && previous !== undefined && field in previous;
  return changed && object[field] === archived?.equals ? 'archive' : 'update';
}

/** A discount or a source is no object of ours, but its customer or subscription shows it, and its coupon counts it. */
function ownersOf(object: JsonObject): Meaning {
  // `coupon` lies in `source` from 2025-09-30.clover on.
  const coupon = object['coupon'] ?? valueAt(object, ['source', 'coupon']);
  const owners = {
    customer: object['customer'],
    subscription: object['subscription'],
    coupon,
    promotion_code: object['promotion_code'],
  };
  const operations = Object.entries(owners).flatMap(([resource, owner]): EntityOperation[] => {
    const externalId = idOf(owner);
    return externalId === undefined ? [] : [{ type: 'update', resource, externalId }];
  });
  return operations.length > 0 ? { operations } : ignored('it names no customer');
}

/**
 * No event says that an invoice item was put on an invoice, changed there or set free: the invoice's own events do,
 * as long as it is a draft. Stripe shows at most ten lines in them.
 */
function billedItems(type: string, invoice: JsonObject): EntityOperation[] {
  const draft = type === 'invoice.updated' && invoice['status'] === 'draft';
  if (type !== 'invoice.created' && type !== 'invoice.deleted' && !draft) return [];
  const lines = valueAt(invoice, ['lines', 'data']);
  const ids = (Array.isArray(lines) ? lines : []).flatMap((line) => {
    const before = valueAt(line, ['invoice_item']);
    const from =
      before ??
      valueAt(line, ['parent', 'invoice_item_details', 'invoice_item']) ??
      valueAt(line, ['parent', 'subscription_item_details', 'invoice_item']);
    return idOf(from) ?? [];
  });
  return [...new Set(ids)].map((externalId) => ({ type: 'update', resource: 'invoice_item', externalId }));
}

function idOf(value: unknown): string | undefined {
  const id = typeof value === 'object' && value !== null ? valueAt(value, ['id']) : value;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function accountIn(context: string | null | undefined): string | undefined {
  return context?.split('/').filter(Boolean).at(-1);
}

/** Both modes of an account deliver to one endpoint of Connect. https://docs.stripe.com/connect/webhooks */
function modeOf(livemode: boolean | null | undefined): string | undefined {
  return livemode == null ? undefined : livemode ? 'live' : 'test';
}

function ignored(reason: string): Meaning {
  return { operations: [], ignored: reason };
}

function optional<K extends string, V>(key: K, value: V | null | undefined): { [key in K]?: V } {
  return (value === null || value === undefined ? {} : { [key]: value }) as { [key in K]?: V };
}
