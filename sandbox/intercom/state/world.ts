import { type ContactIndex, createContactIndex } from './contact-index.ts';
import { hash32, hex } from './hash.ts';
import { countingIds, decimalIds, hexIds, type IdScheme } from './ids.ts';
import { createPartBook, type PartBook } from './part-book.ts';
import type { IntercomSize } from './size.ts';
import { createTable, type Table } from './table.ts';

/** Salts keep the random streams of different attributes apart. */
export const SALT = {
  contact: 100,
  company: 200,
  conversation: 300,
  part: 400,
  ticket: 500,
  article: 600,
  admin: 700,
  tag: 800,
  segment: 900,
  mutation: 1000,
  notification: 1100,
} as const;

export interface World {
  readonly seed: number;
  readonly appId: string;
  readonly timezone: string;
  readonly size: IntercomSize;
  readonly anchor: number;
  readonly contacts: Table;
  readonly companies: Table;
  readonly conversations: Table;
  readonly tickets: Table;
  readonly articles: Table;
  readonly parts: PartBook;
  readonly contactIndex: ContactIndex;
  readonly ids: Readonly<
    Record<
      'contact' | 'company' | 'conversation' | 'ticket' | 'article' | 'admin' | 'team' | 'tag' | 'segment',
      IdScheme
    >
  >;
  /** Users per company, kept up to date by the changes. */
  readonly userCounts: number[];
  nowMs(): number;
  nowSecond(): number;
}

export interface WorldSettings {
  readonly seed: number;
  readonly size: IntercomSize;
  readonly timezone: string;
  readonly anchorMs: number;
  nowMs(): number;
}

const DAY = 86_400;

export function createWorld(settings: WorldSettings): World {
  const { seed, size } = settings;
  const anchor = Math.floor(settings.anchorMs / 1000);
  /** Creation times rise with the index over three years; the last object is an hour old. */
  const createdAt =
    (length: number, salt: number) =>
    (index: number): number => {
      const step = Math.floor((3 * 365 * DAY) / Math.max(1, length));
      return anchor - 3_600 - (length - index) * step + (hash32(seed, salt + 1, index) % Math.max(1, step));
    };
  const updatedAt = (length: number, salt: number) => {
    const created = createdAt(length, salt);
    return (index: number): number =>
      created(index) + (hash32(seed, salt + 2, index) % Math.max(1, anchor - 60 - created(index)));
  };
  const table = (length: number, salt: number): Table =>
    createTable({ length, createdAt: createdAt(length, salt), updatedAt: updatedAt(length, salt) });

  const contacts = table(size.contacts, SALT.contact);
  const conversations = table(size.conversations, SALT.conversation);
  const userCounts = new Array<number>(size.companies).fill(0);
  for (let i = 0; i < size.contacts; i += 1) {
    const company = baseCompanyOf(seed, size, i);
    if (company !== undefined) userCounts[company] = (userCounts[company] ?? 0) + 1;
  }
  return {
    seed,
    size,
    anchor,
    appId: `ws${hex(hash32(seed, 1, 1), 6)}`,
    timezone: settings.timezone,
    contacts,
    companies: table(size.companies, SALT.company),
    conversations,
    tickets: table(size.tickets, SALT.ticket),
    articles: table(size.articles, SALT.article),
    parts: createPartBook(seed, conversations),
    contactIndex: createContactIndex(contacts),
    ids: {
      contact: hexIds(seed, SALT.contact),
      company: hexIds(seed, SALT.company),
      conversation: decimalIds(seed, SALT.conversation),
      ticket: decimalIds(seed, SALT.ticket),
      article: decimalIds(seed, SALT.article),
      admin: countingIds(991_200_001),
      team: countingIds(8_100_001),
      tag: countingIds(10_400_001),
      segment: hexIds(seed, SALT.segment),
    },
    userCounts,
    nowMs: settings.nowMs,
    nowSecond: () => Math.floor(settings.nowMs() / 1000),
  };
}

/** Company of a contact that nobody moved: none for a quarter of them; every eleventh company stays without users. */
export function baseCompanyOf(seed: number, size: IntercomSize, contact: number): number | undefined {
  if (size.companies === 0 || contact >= size.contacts) return undefined;
  if (hash32(seed, SALT.contact + 10, contact) % 4 === 0) return undefined;
  const company = hash32(seed, SALT.contact + 11, contact) % size.companies;
  return company % 11 === 5 ? undefined : company;
}

export function companyOf(world: World, contact: number): number | undefined {
  const moved = world.contacts.changes(contact)['company'];
  const company =
    typeof moved === 'number' ? moved : moved === null ? undefined : baseCompanyOf(world.seed, world.size, contact);
  return company !== undefined && world.companies.isLive(company) ? company : undefined;
}

export function pick<T>(list: readonly T[], hash: number): T {
  const item = list[hash % list.length];
  if (item === undefined) throw new Error('pick() needs a list with something in it');
  return item;
}
