import { HttpError } from './http-error.ts';
import type { Notice } from './notification.ts';
import { companyObjectOf } from './shape/company.ts';
import { contactOf, contactReferenceOf, isObject, roleOf, tagsOf } from './shape/contact.ts';
import { tagOf } from './shape/workspace.ts';
import { ARCHIVED, type Attributes, DELETED, LIVE, MERGED } from './state/table.ts';
import { companyOf, type World } from './state/world.ts';

export function createContact(
  world: World,
  attributes: Attributes,
): { readonly contact: number; readonly notices: Notice[] } {
  const role = attributes['role'] === 'lead' ? 'lead' : 'user';
  const contact = world.contacts.add(world.nowSecond(), { external_id: null, ...attributes, role });
  world.contactIndex.changed(contact, world.nowMs());
  return {
    contact,
    notices: [
      { topic: `contact.${role}.created`, item: contactOf(world, contact) },
      ...countUsers(world, companyOf(world, contact), 1),
    ],
  };
}

export function updateContact(world: World, contact: number, attributes: Attributes): Notice[] {
  const own = world.contacts.changes(contact)['custom_attributes'];
  const custom = attributes['custom_attributes'];
  const merged = isObject(custom) ? { custom_attributes: { ...(isObject(own) ? own : undefined), ...custom } } : {};
  world.contacts.change(contact, world.nowSecond(), { ...attributes, ...merged });
  world.contactIndex.changed(contact, world.nowMs());
  return [{ topic: `contact.${roleOf(world, contact)}.updated`, item: contactOf(world, contact) }];
}

export function tagContact(world: World, contact: number, tag: number): Notice[] {
  const tags = tagsOf(world, contact);
  if (tags.includes(tag)) return [];
  const at = world.nowSecond();
  world.contacts.change(contact, at, { tags: [...tags, tag] });
  world.contactIndex.changed(contact, world.nowMs());
  return [
    {
      topic: 'contact.tag.created',
      item: { type: 'contact_tag', created_at: at, tag: tagOf(world, tag), contact: contactOf(world, contact) },
    },
  ];
}

export function archiveContact(world: World, contact: number): Notice[] {
  const company = companyOf(world, contact);
  setState(world, contact, ARCHIVED);
  return [{ topic: 'contact.archived', item: contactOf(world, contact) }, ...countUsers(world, company, -1)];
}

export function unarchiveContact(world: World, contact: number): Notice[] {
  setState(world, contact, LIVE);
  return [
    { topic: 'contact.unarchived', item: contactOf(world, contact) },
    ...countUsers(world, companyOf(world, contact), 1),
  ];
}

/** The notification names the contact and nothing more. */
export function deleteContact(world: World, contact: number): Notice[] {
  const company = world.contacts.isLive(contact) ? companyOf(world, contact) : undefined;
  setState(world, contact, DELETED);
  return [
    { topic: 'contact.deleted', item: { type: 'contact', id: world.ids.contact.of(contact) } },
    ...countUsers(world, company, -1),
  ];
}

/**
 * A lead disappears into a user. The notification carries the user only and doesn't say which lead is gone:
 * https://community.intercom.com/api-webhooks-23/how-to-get-id-of-lead-merged-to-user-7045
 */
export function mergeContacts(world: World, from: number, into: number): Notice[] {
  if (roleOf(world, from) !== 'lead' || roleOf(world, into) !== 'user')
    throw new HttpError(400, 'invalid_merge', 'Merging can only be performed on a lead into a user');
  const source = contactOf(world, from);
  const target = contactOf(world, into);
  const company = companyOf(world, from);
  const missing = ['email', 'phone', 'name'].filter((field) => target[field] === null && source[field] !== null);
  setState(world, from, MERGED);
  world.contacts.change(into, world.nowSecond(), Object.fromEntries(missing.map((field) => [field, source[field]])));
  world.contactIndex.changed(into, world.nowMs());
  return [{ topic: 'contact.merged', item: contactOf(world, into) }, ...countUsers(world, company, -1)];
}

export function deletedReferenceOf(world: World, contact: number): Record<string, unknown> {
  return { ...contactReferenceOf(world, contact), deleted: true };
}

function setState(
  world: World,
  contact: number,
  state: typeof LIVE | typeof ARCHIVED | typeof DELETED | typeof MERGED,
): void {
  world.contacts.setState(contact, state, world.nowSecond());
  world.contactIndex.changed(contact, world.nowMs());
}

/** The company shows how many users it has, so it changes with them. */
function countUsers(world: World, company: number | undefined, by: number): Notice[] {
  if (company === undefined) return [];
  world.userCounts[company] = Math.max(0, (world.userCounts[company] ?? 0) + by);
  world.companies.change(company, world.nowSecond(), {});
  return [{ topic: 'company.updated', item: companyObjectOf(world, company) }];
}
