import type { IntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';

/** JSON as a test looks at it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: Json;
}

/** Asks an emulated workspace directly, without a transport. */
export function intercomClient(sandbox: IntercomSandbox, headers: Readonly<Record<string, string>> = {}) {
  function ask(method: string, target: string, body?: unknown): Answer {
    const url = new URL(target, 'https://api.intercom.io');
    const answer = sandbox.handle({
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: { authorization: `Bearer ${sandbox.accessToken}`, ...headers },
      body: body === undefined ? '' : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers ?? {}, json: JSON.parse(String(answer.body)) };
  }
  const get = (target: string) => ask('GET', target);
  const post = (target: string, body: unknown = {}) => ask('POST', target, body);

  /** Every page of a cursor list, oldest call first. */
  function* listPages(path: string, perPage: number): Generator<Json> {
    let cursor: string | undefined;
    do {
      const page = get(
        `${path}?per_page=${perPage}${cursor ? `&starting_after=${encodeURIComponent(cursor)}` : ''}`,
      ).json;
      yield page;
      cursor = page.pages.next?.starting_after;
    } while (cursor);
  }
  function* searchPages(path: string, body: object, perPage: number): Generator<Json> {
    let cursor: string | undefined;
    do {
      const page = post(path, {
        ...body,
        pagination: { per_page: perPage, ...(cursor && { starting_after: cursor }) },
      }).json;
      yield page;
      cursor = page.pages.next?.starting_after;
    } while (cursor);
  }
  return { ask, get, post, listPages, searchPages };
}
