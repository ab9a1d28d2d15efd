import type { AcmeAccount, AcmeObject } from './acme-account.ts';

export interface AcmeRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Counted from 1, over all requests. */
  readonly nth: number;
  readonly key: string;
}

export interface AcmeApi {
  readonly fetch: typeof fetch;
  /** Paths with their queries, in order. */
  readonly requests: string[];
  /** Replaces an answer, or (undefined) lets it be. May throw what a broken connection throws. */
  meddle: (request: AcmeRequest) => Response | undefined | Promise<Response | undefined>;
  /** Runs when an answer is made and before it is received: what it shows is from now on old. */
  afterAnswer: (request: AcmeRequest) => void | Promise<void>;
  /**
   * Until nothing of `afterAnswer` is under way. A run may end before: the page that it asked for ahead is dropped when its
   * list ends early, and what happens after that answer goes on.
   */
  idle(): Promise<void>;
}

export const ACME_KEY = 'acme_key_sandbox';

/** Acme over `fetch`: lists newest first and in pages, objects by id, the log of changes, searches by change time. */
export function createAcmeApi(account: AcmeAccount): AcmeApi {
  const requests: string[] = [];
  const underWay = new Set<Promise<void>>();
  const api: AcmeApi = {
    requests,
    meddle: () => undefined,
    afterAnswer: () => {},
    async fetch(input, init) {
      const url = new URL(String(input));
      const key = new Headers(init?.headers).get('authorization') ?? '';
      const nth = requests.push(url.pathname + url.search);
      const request = { path: url.pathname, query: url.searchParams, nth, key };
      const response = (await api.meddle(request)) ?? answer(account, request);
      if (!response.headers.has('date')) response.headers.set('date', new Date(account.now()).toUTCString());
      const after = (async () => await api.afterAnswer(request))();
      underWay.add(after);
      await after.finally(() => underWay.delete(after));
      init?.signal?.throwIfAborted();
      return response;
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
  return api;
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers });
}

function answer(account: AcmeAccount, { path, query, key }: AcmeRequest): Response {
  if (key !== ACME_KEY) return json({ error: { message: `the key ${key} is wrong` } }, 401);
  const [, kinds = '', id, nested] = path.split('/');
  const kind = kinds.replace(/s$/, '');
  if (kinds === 'account') return json({ id: account.id });
  if (kinds === 'cards')
    return id === undefined ? json({ error: { code: 'per_thing' } }, 400) : one(account, 'card', id);
  if (kinds === 'events') return events(account, query);
  if (nested === 'parts' || nested === 'cards') {
    const list = account.nested(nested, id ?? '');
    return list === undefined ? json({ error: { message: 'no such thing' } }, 404) : byId(list, query);
  }
  if (id !== undefined) return one(account, kind, id);
  const all = account.shown(kind);
  if (kind === 'note') return notes(all, query);
  if (kind === 'label') return numbered(all, query);
  if (kind === 'tag') return json({ data: all });
  const from = Number(query.get('from') ?? 0);
  const to = Number(query.get('to') ?? Number.MAX_SAFE_INTEGER);
  return byId(
    newestFirst(all).filter(({ created }) => Number(created) >= from && Number(created) < to),
    query,
    all,
  );
}

/** Pages of four where nobody asks for a size. */
const limitOf = (query: URLSearchParams) => Number(query.get('limit') ?? 4);

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function newestFirst(objects: readonly AcmeObject[]): AcmeObject[] {
  return [...objects].sort((a, b) => Number(b['created']) - Number(a['created']) || compare(a.id, b.id));
}

function one(account: AcmeAccount, kind: string, id: string): Response {
  const found = account.truth(kind).get(decodeURIComponent(id));
  return found === undefined ? json({ error: { message: `no ${kind} ${id}` } }, 404) : json(found);
}

/** Goes on after the record of the cursor, which must exist. */
function byId(list: readonly AcmeObject[], query: URLSearchParams, known: readonly AcmeObject[] = list): Response {
  const after = query.get('after');
  const limit = limitOf(query);
  if (after !== null && !known.some(({ id }) => id === after)) return json({ error: { code: 'cursor' } }, 400);
  const start = after === null ? 0 : list.findIndex(({ id }) => id === after) + 1;
  return json({ data: list.slice(start, start + limit), has_more: start + limit < list.length });
}

/** Oldest change first where it is asked for changes; the cursor is a position. */
function notes(all: readonly AcmeObject[], query: URLSearchParams): Response {
  const since = query.get('since');
  const list =
    since === null
      ? newestFirst(all)
      : all
          .filter(({ updated }) => secondsOf(updated) >= Number(since))
          .sort((a, b) => secondsOf(a['updated']) - secondsOf(b['updated']) || compare(a.id, b.id));
  const start = Number(query.get('after') ?? 0);
  const end = start + limitOf(query);
  return json({ data: list.slice(start, end), total: list.length, next: end < list.length ? String(end) : null });
}

const secondsOf = (written: unknown) => (typeof written === 'string' ? Date.parse(written) / 1000 : Number(written));

function numbered(all: readonly AcmeObject[], query: URLSearchParams): Response {
  const page = Number(query.get('page') ?? 1);
  const size = limitOf(query);
  const list = newestFirst(all);
  return json({ data: list.slice((page - 1) * size, page * size), next: page * size < list.length ? page + 1 : null });
}

function events({ log }: AcmeAccount, query: URLSearchParams): Response {
  const since = Number(query.get('since') ?? 0);
  // Within a second in any order; here, by chance of the id.
  const list = log
    .filter(({ created }) => created >= since)
    .sort((a, b) => b.created - a.created || compare(a.id, b.id));
  const after = query.get('after');
  const start = after === null ? 0 : list.findIndex(({ id }) => id === after) + 1;
  const end = start + Number(query.get('limit'));
  const data = list.slice(start, end).map(({ body }) => body);
  return json(`{"data":[${data.join(',')}],"has_more":${end < list.length}}`);
}
