import { hash32 } from '../state/hash.ts';
import { ARCHIVED } from '../state/table.ts';
import { FIRST_NAMES, LAST_NAMES, PLACES } from '../state/words.ts';
import { companyOf, pick, SALT, type World } from '../state/world.ts';

const LISTED = 10;

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/contact */
export function contactOf(world: World, index: number): Record<string, unknown> {
  const { seed, contacts } = world;
  const id = world.ids.contact.of(index);
  const created = contacts.createdAt(index);
  const changes = contacts.changes(index);
  const h = (salt: number): number => hash32(seed, SALT.contact + salt, index);
  const first = pick(FIRST_NAMES, h(20));
  const last = pick(LAST_NAMES, h(21));
  const role = roleOf(world, index);
  const company = companyOf(world, index);
  const [country, region, city] = pick(PLACES, h(22));
  const email = role === 'user' || h(23) % 2 === 0 ? `person${index + 1}@mail${h(24) % 9}.example` : null;
  const seen = created + (h(25) % Math.max(1, contacts.updatedAt(index) - created + 1));
  const tags = tagsOf(world, index);
  const { company: _company, tags: _tags, custom_attributes: ownAttributes, ...attributes } = changes;
  const shownEmail = 'email' in attributes ? attributes['email'] : email;
  return {
    type: 'contact',
    id,
    external_id: role === 'user' ? `user-${index + 1}` : null,
    workspace_id: world.appId,
    role,
    email,
    email_domain: typeof shownEmail === 'string' ? (shownEmail.split('@')[1] ?? null) : null,
    phone: h(26) % 3 === 0 ? `+3519${String(h(27) % 100_000_000).padStart(8, '0')}` : null,
    name: role === 'user' || h(28) % 3 > 0 ? `${first} ${last}` : null,
    owner_id: h(29) % 5 === 0 && world.size.admins > 0 ? Number(world.ids.admin.of(h(30) % world.size.admins)) : null,
    has_hard_bounced: h(31) % 60 === 0,
    marked_email_as_spam: h(32) % 200 === 0,
    unsubscribed_from_emails: h(33) % 12 === 0,
    created_at: created,
    updated_at: contacts.updatedAt(index),
    signed_up_at: role === 'user' ? created : null,
    last_seen_at: seen,
    last_replied_at: h(34) % 3 === 0 ? seen : null,
    last_contacted_at: h(35) % 4 === 0 ? seen : null,
    last_email_opened_at: null,
    last_email_clicked_at: null,
    language_override: null,
    browser: pick(['chrome', 'firefox', 'safari'], h(36)),
    browser_version: String(100 + (h(37) % 40)),
    browser_language: pick(['en', 'pt', 'de', 'ja'], h(38)),
    os: pick(['OS X 10.15.7', 'Windows 10', 'Linux'], h(39)),
    avatar: null,
    ...attributes,
    ...(contacts.state(index) === ARCHIVED && { archived: true }),
    location: { type: 'location', country, region, city, country_code: null, continent_code: null },
    social_profiles: { type: 'list', data: [] },
    custom_attributes: {
      plan: pick(['free', 'team', 'business'], h(40)),
      seats: 1 + (h(41) % 40),
      ...(isObject(ownAttributes) ? ownAttributes : undefined),
    },
    tags: addressable(
      id,
      'tags',
      'tag',
      tags.map((tag) => world.ids.tag.of(tag)),
    ),
    notes: addressable(id, 'notes', 'note', []),
    companies: addressable(id, 'companies', 'company', company === undefined ? [] : [world.ids.company.of(company)]),
    opted_out_subscription_types: addressable(id, 'subscriptions', 'subscription', []),
    opted_in_subscription_types: addressable(id, 'subscriptions', 'subscription', []),
  };
}

export function roleOf(world: World, index: number): 'user' | 'lead' {
  const own = world.contacts.changes(index)['role'];
  if (own === 'user' || own === 'lead') return own;
  return hash32(world.seed, SALT.contact + 12, index) % 4 === 0 ? 'lead' : 'user';
}

export function tagsOf(world: World, index: number): readonly number[] {
  const own = world.contacts.changes(index)['tags'];
  if (Array.isArray(own)) return own.filter((tag) => typeof tag === 'number');
  const h = hash32(world.seed, SALT.contact + 13, index);
  if (index >= world.size.contacts || world.size.tags === 0 || h % 3 > 0) return [];
  return [hash32(world.seed, SALT.contact + 14, index) % world.size.tags];
}

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/deletecontact */
export function contactReferenceOf(world: World, index: number): { type: 'contact'; id: string; external_id: unknown } {
  const own = world.contacts.changes(index);
  const external =
    'external_id' in own ? own['external_id'] : roleOf(world, index) === 'user' ? `user-${index + 1}` : null;
  return { type: 'contact', id: world.ids.contact.of(index), external_id: external };
}

function addressable(contact: string, name: string, type: string, ids: readonly string[]): Record<string, unknown> {
  const path = `/contacts/${contact}/${name}`;
  return {
    type: 'list',
    data: ids
      .slice(0, LISTED)
      .map((id) => ({ type, id, url: `/${type === 'company' ? 'companies' : `${type}s`}/${id}` })),
    url: path,
    total_count: ids.length,
    has_more: ids.length > LISTED,
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
