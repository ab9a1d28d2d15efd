import { z } from 'zod';
import { applyMigrations } from '../../src/engine/migrate.ts';
import {
  type Connector,
  defineConnector,
  equalInConstantTime,
  hmacHex,
  type InstantAt,
  type NextPage,
  type NormalizedEvent,
  type Precision,
  parseJson,
  type Resource,
  textAt,
} from '../../src/kit/index.ts';
import { readMigrations } from '../../src/runtime/node/migration-files.ts';
import { registerTemplate } from '../setup/database.ts';

const created = { path: ['created'], unit: 's' } as const;
const LAST_ID: NextPage = { style: 'last_id', more: ['has_more'] };

function resourcesOf(pageSize: number, updated: Omit<InstantAt, 'path'>, hides: boolean): Record<string, Resource> {
  const described: Omit<Resource, 'collection' | 'id'>[] = [
    {
      name: 'thing',
      records: ['data'],
      created,
      archived: { path: ['active'], equals: false },
      volatile: ['link'],
      list: {
        path: '/things',
        pageSize,
        next: LAST_ID,
        ranged: true,
        ...(hides ? { hides: 'things that were made inside another' } : {}),
      },
      retrieve: { path: '/things/{id}' },
      children: [{ resource: 'part', path: ['parts', 'data'], more: ['parts', 'has_more'] }],
      incremental: { by: 'events' },
    },
    {
      name: 'part',
      records: ['data'],
      perParent: { path: '/things/{parent}/parts', pageSize, next: LAST_ID },
      incremental: { by: 'full' },
    },
    {
      name: 'note',
      records: ['data'],
      created,
      version: { path: ['updated'], ...updated },
      list: { path: '/notes', pageSize, next: { style: 'path', path: ['next'] } },
      retrieve: { path: '/notes/{id}' },
      incremental: { by: 'search', overlapMs: 60_000 },
    },
    {
      name: 'tag',
      records: ['data'],
      list: { path: '/tags', pageSize, next: { style: 'none' } },
      incremental: { by: 'full' },
    },
    {
      name: 'label',
      records: ['data'],
      created,
      list: { path: '/labels', pageSize, next: { style: 'page', path: ['next'] } },
      incremental: { by: 'full' },
    },
    {
      name: 'card',
      records: ['data'],
      created,
      list: { path: '/cards', pageSize, next: LAST_ID, fallback: { parent: 'thing' } },
      perParent: { path: '/things/{parent}/cards', pageSize, next: LAST_ID },
      retrieve: { path: '/cards/{id}' },
      incremental: { by: 'full' },
    },
  ];
  return Object.fromEntries(
    described.map((resource) => [resource.name, { ...resource, collection: `acme_${resource.name}`, id: ['id'] }]),
  );
}

/** `id`, `type` and `created` are all that an Acme event must have. `thing.touched` shows nothing of its object. */
const event = z.object({
  id: z.string(),
  type: z.string(),
  created: z.number(),
  account: z.string().optional(),
  object: z.looseObject({ id: z.string() }).optional(),
});

function readEvent(value: unknown, precision?: Precision): NormalizedEvent {
  const { id, type, created: at, account, object } = event.parse(value);
  const [kind = '', verb = ''] = type.split('.');
  const known = ['thing', 'note'].includes(kind) && ['created', 'updated', 'deleted', 'touched'].includes(verb);
  return {
    id,
    providerType: type,
    occurredAt: at * 1000,
    ...(precision === undefined ? {} : { precision }),
    ...(account === undefined ? {} : { account }),
    operations:
      known && object !== undefined
        ? [
            {
              type: verb === 'deleted' ? 'delete' : verb === 'created' ? 'create' : 'update',
              resource: kind,
              externalId: object.id,
              ...(verb === 'deleted' || verb === 'touched' ? {} : { object: ['object'] }),
            },
          ]
        : [],
  };
}

interface AcmeOptions {
  readonly tells?: boolean;
  /** Its list of things leaves some out. */
  readonly hides?: boolean;
  /** How the change time of notes is written. */
  readonly updated?: Omit<InstantAt, 'path'>;
  /** Of events. */
  readonly precision?: Precision;
}

/** A connector that the engine's tests can bend: pages of a size, no limits worth waiting for. */
function defineAcme(
  name: string,
  pageSize: number,
  options: AcmeOptions = {},
): Connector<{ account?: string | undefined }> {
  const { tells = false, hides = false, updated = { unit: 's' }, precision } = options;
  return defineConnector({
    metadata: {
      name,
      title: 'Acme',
      apiVersion: '1',
      migrations: null,
      docs: 'test/support',
      baseUrl: 'https://acme.test',
    },
    settings: z.strictObject({ account: z.string().optional() }),
    resources: resourcesOf(pageSize, updated, hides),
    limits: {
      classes: () => ['all'],
      limit: () => ({ perSecond: 1_000_000, burst: 1_000_000 }),
      concurrency: () => 100,
    },
    headers: ({ apiKey }) => ({ authorization: apiKey }),
    page: (resource, { cursor, limit, from, to, since, parent }) => {
      const list = parent === undefined ? resource.list : resource.perParent;
      if (list?.next.style === 'none') return { path: list.path };
      const query = { limit, from, to, since: since === undefined ? undefined : Math.floor(since / 1000) };
      return {
        path: (list?.path ?? '').replace('{parent}', encodeURIComponent(parent ?? '')),
        query: list?.next.style === 'page' ? { ...query, page: cursor ?? 1 } : { ...query, after: cursor },
      };
    },
    probe: { path: '/tags' },
    ...(tells ? { identity: { request: { path: '/account' }, read: (text) => textAt(text, ['id']) } } : {}),
    accountOf: ({ account }) => account,
    meaning(status, body) {
      if (status !== 400) return undefined;
      return body.includes('"per_thing"') ? 'unlistable' : body.includes('"cursor"') ? 'cursor_lost' : 'refused';
    },
    changeLog: {
      retentionMs: 30 * 86_400_000,
      overlapMs: 60_000,
      groups: (names) => (names.includes('thing') ? [['thing']] : []),
      request: (_types, { cursor, limit, since }) => ({
        path: '/events',
        query: {
          limit: Math.min(limit, 2 * pageSize),
          after: cursor,
          since: since === undefined ? undefined : Math.floor(since / 1000),
        },
      }),
      read(page) {
        const { data, has_more } = page as { data: { id: string }[]; has_more: boolean };
        return {
          events: data.map((value, i) => ({ value, path: ['data', String(i)] })),
          cursor: has_more ? (data.at(-1)?.id ?? null) : null,
        };
      },
      parse: (value) => readEvent(value, precision),
    },
    webhook: {
      async verify({ body, headers }, secrets) {
        for (const secret of secrets) {
          const expected = await hmacHex('SHA-256', secret, body);
          if (equalInConstantTime(expected, headers.get('acme-signature') ?? '')) return { ok: true };
        }
        return { ok: false, reason: 'the signature does not fit' };
      },
      parse: (body) => readEvent(parseJson(body), precision),
    },
  });
}

/** Pages of 4, so that a handful of objects fills several. */
export const acme = defineAcme('acme', 4);
/** Pages of 100, as providers have them. */
export const acmeLarge = defineAcme('acme_large', 100);
/** Tells which account a key belongs to. */
export const acmeTelling = defineAcme('acme_telling', 4, { tells: true });
/** Its list of things leaves some out. */
export const acmeHiding = defineAcme('acme_hiding', 100, { hides: true });
/** Change times in ISO 8601: by the second, by the second with zeros for milliseconds, by the minute as its events. */
export const acmeIso = defineAcme('acme_iso', 4, { updated: { unit: 'iso' } });
export const acmeZeros = defineAcme('acme_zeros', 4, { updated: { unit: 'iso', precision: '1s' } });
export const acmeMinutes = defineAcme('acme_minutes', 4, { updated: { unit: 'iso' }, precision: '1m' });

export const ACME_TEMPLATE = 'acme';

registerTemplate(ACME_TEMPLATE, async (database) => {
  await applyMigrations(database, await readMigrations([]));
  for (const { collection } of Object.values(acme.resources)) {
    await database.query('select supasaasy.ensure_collection($1)', [collection]);
  }
});
