import { z } from 'zod';
import type { EntityOperation, EventType, NormalizedEvent } from '../../src/kit/index.ts';
import { parseJson } from '../../src/kit/index.ts';

/**
 * A notification. Only what every topic has is required; what `item` is depends on the topic.
 *
 * https://developers.intercom.com/docs/references/2.14/webhooks/webhook-models
 */
const notification = z.looseObject({
  type: z.literal('notification_event'),
  id: z.string().min(1).nullish(),
  topic: z.string().min(1),
  created_at: z.number(),
  /** The workspace. An app that several workspaces have installed gets the notifications of all of them. */
  app_id: z.string().min(1).nullish().catch(undefined),
  data: z.looseObject({ item: z.looseObject({}).nullish() }).nullish(),
});

type Item = Readonly<Record<string, unknown>>;
type Reading = readonly EntityOperation[] | { readonly ignored: string };

/** By the first word of the topic: topics are added over the years, and what they are about does not change. */
const READERS: Readonly<Record<string, (topic: string, item: Item) => Reading>> = {
  contact: readContact,
  company: readCompany,
  conversation: readConversation,
  conversation_part: readConversation,
  ticket: readTicket,
  article: readArticle,
  admin: readAdmin,
  // Subscriptions and visitors are no collections of ours, but their contact changed with them.
  granular: (_, item) => contactOf(item),
  visitor: (_, item) => contactOf(item),
};

/** Throws on text that is no notification. */
export function parseNotification(body: string): NormalizedEvent {
  const { id, topic, created_at, app_id, data } = notification.parse(parseJson(body));
  const event = {
    id: id ?? anonymousId(topic, created_at),
    providerType: topic,
    occurredAt: created_at * 1000,
    ...(app_id === null || app_id === undefined ? {} : { account: app_id }),
  };
  if (topic === 'ping') return { ...event, operations: [], ignored: 'a ping: Intercom checks that somebody listens' };
  const reader = READERS[topic.split('.', 1)[0] ?? ''];
  if (reader === undefined) return { ...event, operations: [], ignored: `no mirrored object changes with "${topic}"` };
  const reading = reader(topic, data?.item ?? {});
  return 'ignored' in reading
    ? { ...event, operations: [], ignored: reading.ignored }
    : { ...event, operations: reading };
}

/** Pings come without an id; anything else must have one, or a retry could not be told from news. */
function anonymousId(topic: string, createdAt: number): string {
  if (topic !== 'ping') throw new Error(`the notification "${topic}" has no id`);
  return `ping:${createdAt}`;
}

function readContact(topic: string, item: Item): Reading {
  if (topic === 'contact.deleted') return operation('delete', 'contact', item);
  // The archived one is read again: what the API shows then decides whether it is archived or gone.
  if (topic === 'contact.archived') return operation('archive', 'contact', item);
  if (topic === 'contact.merged') {
    // The item is the contact that survives. Which one is gone is only named by newer webhook versions.
    const source = idOf(item['merged_from']);
    const gone: EntityOperation[] =
      source === undefined ? [] : [{ type: 'delete', resource: 'contact', externalId: source }];
    const survivor = operation('update', 'contact', item);
    return 'ignored' in survivor ? survivor : [...gone, ...survivor];
  }
  return isWhole(item, 'contact')
    ? operation(createsOrUpdates(topic), 'contact', item, ['data', 'item'])
    : contactOf(item);
}

function readCompany(topic: string, item: Item): Reading {
  if (topic === 'company.deleted') return operation('delete', 'company', item);
  if (isWhole(item, 'company')) return operation(createsOrUpdates(topic), 'company', item, ['data', 'item']);
  // company.contact.attached and .detached name both sides, and both show the other.
  const company = idOf(item['company']) ?? (item['type'] === 'company' ? idOf(item) : undefined);
  const contact = idOf(item['contact']);
  const operations = [...again('company', company), ...again('contact', contact)];
  return operations.length > 0 ? operations : nameless('company');
}

/** These items show the part that caused them, no statistics, and no other parts: the conversation is read again. */
function readConversation(topic: string, item: Item): Reading {
  if (topic === 'conversation.deleted') return operation('delete', 'conversation', item);
  const id =
    item['type'] === 'conversation' ? idOf(item) : (idOf(item['conversation']) ?? textOf(item['conversation_id']));
  return id === undefined
    ? nameless('conversation')
    : [{ type: createsOrUpdates(topic), resource: 'conversation', externalId: id }];
}

/** Tickets come without their parts, and lie one step deeper in `ticket.closed`. */
function readTicket(topic: string, item: Item): Reading {
  const id = idOf(item['ticket']) ?? (item['type'] === 'ticket' ? idOf(item) : undefined);
  if (id === undefined) return nameless('ticket');
  return [
    { type: topic === 'ticket.deleted' ? 'delete' : createsOrUpdates(topic), resource: 'ticket', externalId: id },
  ];
}

function readArticle(topic: string, item: Item): Reading {
  return operation(topic === 'article.deleted' ? 'delete' : createsOrUpdates(topic), 'article', item);
}

/** The item resembles an admin and is none: `away_status_reason` instead of its id, no priorities. */
function readAdmin(topic: string, item: Item): Reading {
  if (topic === 'admin.removed_from_workspace') return operation('delete', 'admin', item);
  if (topic === 'admin.added_to_workspace') return operation('create', 'admin', item);
  if (topic === 'admin.away_mode_updated') return operation('update', 'admin', item);
  return { ignored: `no mirrored object changes with "${topic}"` };
}

/** The contact that an item is or names, to be read again: tags carry {contact, tag}, subscriptions {contact, ...}. */
function contactOf(item: Item): Reading {
  const id =
    idOf(item['contact']) ?? (['contact', 'user', 'lead'].includes(String(item['type'])) ? idOf(item) : undefined);
  return id === undefined ? nameless('contact') : again('contact', id);
}

function operation(type: EventType, resource: string, item: Item, object?: readonly string[]): Reading {
  const externalId = idOf(item);
  if (externalId === undefined) return nameless(resource);
  return [{ type, resource, externalId, ...(object === undefined ? {} : { object }) }];
}

function again(resource: string, id: string | undefined): EntityOperation[] {
  return id === undefined ? [] : [{ type: 'update', resource, externalId: id }];
}

function nameless(resource: string): { ignored: string } {
  return { ignored: `its item names no ${resource}` };
}

/** Has what the API's object has and a reference lacks; older webhook versions send less. */
function isWhole(item: Item, type: string): boolean {
  return (
    item['type'] === type && typeof item['updated_at'] === 'number' && typeof item['custom_attributes'] === 'object'
  );
}

function createsOrUpdates(topic: string): EventType {
  return topic.endsWith('.created') ? 'create' : 'update';
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? textOf((value as Item)['id']) : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
