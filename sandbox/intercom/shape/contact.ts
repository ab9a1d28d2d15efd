import type { Ink } from '../../http/ink.ts';
import { boolean, compileShape, nullIf, number, oneOf, plain, spelled, text } from '../../http/shape.ts';
import { hash32 } from '../state/hash.ts';
import { ARCHIVED } from '../state/table.ts';
import { FIRST_NAMES, LAST_NAMES, PLACES } from '../state/words.ts';
import { companyOf, SALT, type World } from '../state/world.ts';
import { overlay } from './overlay.ts';

const LISTED = 10;

/** What is known of a contact before it is written. */
interface ContactFacts {
  readonly world: World;
  readonly index: number;
  readonly id: string;
  readonly created: number;
  readonly updated: number;
  readonly isUser: boolean;
  readonly companies: readonly string[];
  readonly seen: number;
  readonly tags: readonly string[];
}

const hashOf = (f: ContactFacts, salt: number): number => hash32(f.world.seed, SALT.contact + salt, f.index);
const drawn = (salt: number) => (f: ContactFacts) => hashOf(f, salt);
const oneIn = (share: number, salt: number) => boolean((f: ContactFacts) => hashOf(f, salt) % share === 0);
const hasNoEmail = (f: ContactFacts): boolean => !f.isUser && hashOf(f, 23) % 2 > 0;
const domain = spelled(
  'mail',
  number((f: ContactFacts) => hashOf(f, 24) % 9),
  '.example',
);
const seenIf = (share: number, salt: number) =>
  nullIf(
    (f: ContactFacts) => hashOf(f, salt) % share > 0,
    number((f) => f.seen),
  );

const contactId = text((f: ContactFacts) => f.id);

/** A list that has its own URL. */
function addressable(name: string, type: string, ids: (f: ContactFacts) => readonly string[]): object {
  const path = `/${type === 'company' ? 'companies' : `${type}s`}/`;
  const shown = (f: ContactFacts) =>
    ids(f)
      .slice(0, LISTED)
      .map((id) => `{"type":"${type}","id":"${id}","url":"${path}${id}"}`);
  return {
    type: 'list',
    data: text((f: ContactFacts) => (ids(f).length === 0 ? '[]' : `[${shown(f).join(',')}]`)),
    url: spelled('/contacts/', contactId, `/${name}`),
    total_count: number((f: ContactFacts) => ids(f).length),
    has_more: boolean((f: ContactFacts) => ids(f).length > LISTED),
  };
}

const nothing = (name: string): object => ({
  type: 'list',
  data: [],
  url: spelled('/contacts/', contactId, `/${name}`),
  total_count: 0,
  has_more: false,
});

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/contact */
const shape = compileShape<ContactFacts>({
  type: 'contact',
  id: spelled(contactId),
  external_id: nullIf(
    (f: ContactFacts) => !f.isUser,
    spelled(
      'user-',
      number((f: ContactFacts) => f.index + 1),
    ),
  ),
  workspace_id: plain((f: ContactFacts) => f.world.appId),
  role: plain((f: ContactFacts) => (f.isUser ? 'user' : 'lead')),
  email: nullIf(
    hasNoEmail,
    spelled(
      'person',
      number((f: ContactFacts) => f.index + 1),
      '@',
      domain,
    ),
  ),
  email_domain: nullIf(hasNoEmail, domain),
  phone: nullIf(
    (f: ContactFacts) => hashOf(f, 26) % 3 > 0,
    spelled(
      '+3519',
      text((f: ContactFacts) => String(hashOf(f, 27) % 100_000_000).padStart(8, '0')),
    ),
  ),
  name: nullIf(
    (f: ContactFacts) => !f.isUser && hashOf(f, 28) % 3 === 0,
    oneOf(
      FIRST_NAMES.flatMap((first) => LAST_NAMES.map((last) => `${first} ${last}`)),
      (f: ContactFacts) =>
        (hashOf(f, 20) % FIRST_NAMES.length) * LAST_NAMES.length + (hashOf(f, 21) % LAST_NAMES.length),
    ),
  ),
  owner_id: number((f: ContactFacts) =>
    hashOf(f, 29) % 5 === 0 && f.world.size.admins > 0
      ? Number(f.world.ids.admin.of(hashOf(f, 30) % f.world.size.admins))
      : null,
  ),
  has_hard_bounced: oneIn(60, 31),
  marked_email_as_spam: oneIn(200, 32),
  unsubscribed_from_emails: oneIn(12, 33),
  created_at: number((f: ContactFacts) => f.created),
  updated_at: number((f: ContactFacts) => f.updated),
  signed_up_at: number((f: ContactFacts) => (f.isUser ? f.created : null)),
  last_seen_at: number((f: ContactFacts) => f.seen),
  last_replied_at: seenIf(3, 34),
  last_contacted_at: seenIf(4, 35),
  last_email_opened_at: null,
  last_email_clicked_at: null,
  language_override: null,
  browser: oneOf(['chrome', 'firefox', 'safari'], drawn(36)),
  browser_version: spelled(number((f: ContactFacts) => 100 + (hashOf(f, 37) % 40))),
  browser_language: oneOf(['en', 'pt', 'de', 'ja'], drawn(38)),
  os: oneOf(['OS X 10.15.7', 'Windows 10', 'Linux'], drawn(39)),
  avatar: null,
  location: oneOf(
    PLACES.map(([country, region, city]) => ({
      type: 'location',
      country,
      region,
      city,
      country_code: null,
      continent_code: null,
    })),
    drawn(22),
  ),
  social_profiles: { type: 'list', data: [] },
  custom_attributes: {
    plan: oneOf(['free', 'team', 'business'], drawn(40)),
    seats: number((f: ContactFacts) => 1 + (hashOf(f, 41) % 40)),
  },
  tags: addressable('tags', 'tag', (f) => f.tags),
  notes: nothing('notes'),
  companies: addressable('companies', 'company', (f) => f.companies),
  opted_out_subscription_types: nothing('subscriptions'),
  opted_in_subscription_types: nothing('subscriptions'),
});

function factsOf(world: World, index: number): ContactFacts {
  const created = world.contacts.createdAt(index);
  const updated = world.contacts.updatedAt(index);
  const company = companyOf(world, index);
  return {
    world,
    index,
    id: world.ids.contact.of(index),
    created,
    updated,
    isUser: roleOf(world, index) === 'user',
    companies: company === undefined ? [] : [world.ids.company.of(company)],
    seen: created + (hash32(world.seed, SALT.contact + 25, index) % Math.max(1, updated - created + 1)),
    tags: tagsOf(world, index).map((tag) => world.ids.tag.of(tag)),
  };
}

/** Writes the contact as JSON: what `contactOf` says. */
export function writeContact(world: World, ink: Ink, index: number): void {
  if (world.contacts.isUnchanged(index) && world.contacts.isLive(index)) shape.into(ink, factsOf(world, index));
  else ink.utf8(JSON.stringify(contactOf(world, index)));
}

export function contactOf(world: World, index: number): Record<string, unknown> {
  const computed = JSON.parse(shape(factsOf(world, index))) as Record<string, unknown>;
  const { company: _company, tags: _tags, custom_attributes: custom, ...own } = world.contacts.changes(index);
  if ('email' in own) {
    const { email } = own;
    computed['email_domain'] = typeof email === 'string' ? (email.split('@')[1] ?? null) : null;
  }
  if (isObject(custom)) Object.assign(computed['custom_attributes'] as object, custom);
  const archived = world.contacts.state(index) === ARCHIVED && { archived: true };
  return overlay(computed, { ...own, ...archived }, 'location');
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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
