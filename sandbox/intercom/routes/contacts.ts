import {
  archiveContact,
  createContact,
  deleteContact,
  deletedReferenceOf,
  mergeContacts,
  unarchiveContact,
  updateContact,
} from '../change-contact.ts';
import { HttpError, notFound } from '../http-error.ts';
import { pagesOf, parseCursor, parsePerPage } from '../search/cursor.ts';
import { search } from '../search/search.ts';
import { companyObjectOf } from '../shape/company.ts';
import { contactOf, contactReferenceOf, roleOf, tagsOf, writeContact } from '../shape/contact.ts';
import { tagOf } from '../shape/workspace.ts';
import { ARCHIVED, LIVE } from '../state/table.ts';
import { companyOf, type World } from '../state/world.ts';
import { parseBody, type Route, type RouteCall } from './route.ts';
import { contactFieldType } from './search-fields.ts';
import { writtenList } from './written-list.ts';

const PAGE_SIZE = { fallback: 50, max: 150 };
const WRITABLE = [
  'role',
  'external_id',
  'email',
  'phone',
  'name',
  'avatar',
  'signed_up_at',
  'last_seen_at',
  'owner_id',
  'unsubscribed_from_emails',
  'custom_attributes',
];

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts */
export const contactRoutes: readonly Route[] = [
  ['GET', '/contacts', listContacts],
  ['POST', '/contacts', create],
  ['POST', '/contacts/search', searchContacts],
  ['POST', '/contacts/merge', merge],
  ['GET', '/contacts/:id', ({ world, params }) => contactOf(world, visible(world, params['id']))],
  ['PUT', '/contacts/:id', update],
  ['DELETE', '/contacts/:id', remove],
  ['POST', '/contacts/:id/archive', archive],
  ['POST', '/contacts/:id/unarchive', unarchive],
  ['GET', '/contacts/:id/companies', companies],
  [
    'GET',
    '/contacts/:id/tags',
    ({ world, params }) => ({
      type: 'list',
      data: tagsOf(world, visible(world, params['id'])).map((tag) => tagOf(world, tag)),
    }),
  ],
];

/** Newest first. */
function listContacts({ world, request }: RouteCall): unknown {
  const perPage = parsePerPage(request.query.get('per_page'), PAGE_SIZE);
  const after = request.query.get('starting_after');
  const cursor = after ? parseCursor(after) : undefined;
  const found: number[] = [];
  let index = Math.min(cursor?.index ?? world.contacts.length, world.contacts.length) - 1;
  for (; index >= 0 && found.length < perPage; index -= 1) if (world.contacts.isLive(index)) found.push(index);
  while (index >= 0 && !world.contacts.isLive(index)) index -= 1;
  const page = cursor?.page ?? 1;
  const last = found.at(-1);
  const next =
    index >= 0 && last !== undefined
      ? { second: world.contacts.createdAt(last), index: last, page: page + 1 }
      : undefined;
  const total = world.contacts.liveCount;
  return writtenContacts(world, found, total, pagesOf(page, perPage, total, next));
}

function searchContacts(call: RouteCall): unknown {
  const { world, workspace } = call;
  world.contactIndex.catchUp(world.nowMs() - workspace.searchLagMs());
  const found = search(
    {
      table: world.contacts,
      byUpdated: world.contactIndex.order,
      defaultSort: 'created_at',
      pageSize: PAGE_SIZE,
      calendar: workspace.calendar,
      fieldType: contactFieldType,
      updatedAt: (index) => world.contactIndex.indexedAt(index),
      object: (index) => contactOf(world, index),
      read: (index, field) => {
        if (field === 'role') return roleOf(world, index);
        if (field === 'tag_id') return tagsOf(world, index).map((tag) => world.ids.tag.of(tag));
        return undefined;
      },
    },
    parseBody(call),
  );
  return writtenContacts(world, found.objects, found.total, found.pages);
}

function writtenContacts(
  world: World,
  indices: readonly number[],
  total: number,
  pages: object,
): Uint8Array<ArrayBuffer> {
  return writtenList(
    (data) => ({ type: 'list', data, total_count: total, pages }),
    indices,
    (ink, index) => writeContact(world, ink, index),
  );
}

function create(call: RouteCall): unknown {
  const body = parseBody(call);
  if (body['email'] === undefined && body['external_id'] === undefined && body['role'] === undefined) {
    throw new HttpError(400, 'parameter_not_found', 'One of email, external_id or role is required');
  }
  const { contact, notices } = createContact(call.world, writable(body));
  call.workspace.announce(notices);
  return contactOf(call.world, contact);
}

function update(call: RouteCall): unknown {
  const contact = visible(call.world, call.params['id']);
  call.workspace.announce(updateContact(call.world, contact, writable(parseBody(call))));
  return contactOf(call.world, contact);
}

function remove({ world, workspace, params }: RouteCall): unknown {
  const contact = visible(world, params['id']);
  workspace.announce(deleteContact(world, contact));
  return deletedReferenceOf(world, contact);
}

function archive({ world, workspace, params }: RouteCall): unknown {
  const contact = visible(world, params['id']);
  if (world.contacts.isLive(contact)) workspace.announce(archiveContact(world, contact));
  return { ...contactReferenceOf(world, contact), archived: true };
}

function unarchive({ world, workspace, params }: RouteCall): unknown {
  const contact = visible(world, params['id']);
  if (!world.contacts.isLive(contact)) workspace.announce(unarchiveContact(world, contact));
  return { ...contactReferenceOf(world, contact), archived: false };
}

function merge(call: RouteCall): unknown {
  const { from, into } = parseBody(call);
  const source = visible(call.world, String(from));
  const target = visible(call.world, String(into));
  call.workspace.announce(mergeContacts(call.world, source, target));
  return contactOf(call.world, target);
}

function companies({ world, params }: RouteCall): unknown {
  const company = companyOf(world, visible(world, params['id']));
  const data = company === undefined ? [] : [companyObjectOf(world, company)];
  return {
    type: 'list',
    data,
    total_count: data.length,
    pages: { type: 'pages', page: 1, per_page: 50, total_pages: 1 },
  };
}

/** Deleted contacts and contacts merged into another are not found; archived ones are. */
function visible(world: World, id: string | undefined): number {
  const index = id === undefined ? undefined : world.ids.contact.indexOf(id);
  const state = index !== undefined && index < world.contacts.length ? world.contacts.state(index) : undefined;
  if (index === undefined || (state !== LIVE && state !== ARCHIVED)) throw notFound('User Not Found');
  return index;
}

function writable(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => WRITABLE.includes(name)));
}
