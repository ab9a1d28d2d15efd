import assert from 'node:assert/strict';
import type { Connector } from '../../kit/connector.ts';
import { findConnector } from '../../kit/define-connector.ts';
import { probeRequest } from '../../kit/probe-request.ts';
import type { ProviderRequest, Resource } from '../../kit/resource.ts';
import { type ConnectorCase, type ConnectorSubject, check } from './subject.ts';

const SPEC = 'spec and settings';
const DISCOVERY = 'discovery';
const REQUESTS = 'requests';

const accountOf = ({ connector, settings, account }: ConnectorSubject, apiKey = account().apiKey) => ({
  appKey: 'trial',
  baseUrl: connector.metadata.baseUrl,
  apiKey,
  settings: connector.settings.parse(settings ?? {}),
});

function each(subject: ConnectorSubject, judge: (resource: Resource, connector: Connector) => void): void {
  for (const resource of Object.values(subject.connector.resources)) {
    try {
      judge(resource, subject.connector);
    } catch (error) {
      throw new Error(`${resource.name}: ${(error as Error).message}`, { cause: error });
    }
  }
}

const textOf = (request: ProviderRequest) => JSON.stringify(request);
const firstPage = (connector: Connector, resource: Resource, rest = {}) =>
  connector.page(resource, { limit: 7, ...rest });

/** What can be seen by reading the connector alone. */
export const descriptionCases: readonly ConnectorCase[] = [
  check(SPEC, 'is registered under its own name', ({ connector }) => {
    assert.match(connector.metadata.name, /^[a-z][a-z0-9_]{0,30}$/);
    assert.equal(findConnector(connector.metadata.name), connector);
  }),
  check(SPEC, 'has a title for people', ({ connector }) => assert.match(connector.metadata.title, /\S/)),
  check(SPEC, 'pins an API version', ({ connector }) => assert.match(connector.metadata.apiVersion, /\d/)),
  check(SPEC, 'says where it is documented', ({ connector }) => assert.match(connector.metadata.docs, /\S/)),
  check(SPEC, 'names the origin of the provider, without a slash at its end', ({ connector }) =>
    assert.match(connector.metadata.baseUrl, /^https:\/\/[^/].*[^/]$/),
  ),
  check(SPEC, 'takes its settings, and has a default for those that are not needed', (subject) => {
    assert.equal(subject.connector.settings.safeParse(subject.settings ?? {}).success, true);
  }),
  check(SPEC, 'refuses a setting that it does not know', ({ connector, settings }) => {
    assert.equal(connector.settings.safeParse({ ...settings, no_such_setting: 1 }).success, false);
  }),
  check(SPEC, 'sends the key in a header', (subject) => {
    const headers = Object.values(subject.connector.headers(accountOf(subject, 'key_of_the_trial')));
    assert.ok(
      headers.some((value) => value.includes('key_of_the_trial')),
      'no header carries the key',
    );
  }),
  check(SPEC, 'reads the key from its arguments only', (subject) => {
    const of = (key: string) => JSON.stringify(subject.connector.headers(accountOf(subject, key)));
    assert.notEqual(of('one'), of('two'));
    assert.equal(of('one'), of('one'));
  }),
  check(DISCOVERY, 'has resources that can be listed', ({ connector }) =>
    assert.ok(
      Object.values(connector.resources).some(({ list }) => list !== undefined),
      'no resource has a list',
    ),
  ),
  check(DISCOVERY, 'names each collection after itself, and no two alike', (subject) => {
    const { connector } = subject;
    each(subject, ({ collection }) => {
      assert.match(collection, /^[a-z][a-z0-9_]{0,50}$/);
      assert.ok(
        collection.startsWith(`${connector.metadata.name}_`),
        `${collection} does not begin with ${connector.metadata.name}_`,
      );
    });
    const all = Object.values(connector.resources).map(({ collection }) => collection);
    assert.equal(new Set(all).size, all.length);
  }),
  check(DISCOVERY, 'finds an id in every kind of object', (subject) =>
    each(subject, ({ id }) => assert.ok(id.length > 0, 'no path to the id')),
  ),
  check(DISCOVERY, 'can reach every resource: by a list, per parent, or nested', (subject) =>
    each(subject, (resource, connector) => {
      const nested = Object.values(connector.resources).some(({ children }) =>
        children?.some((child) => child.resource === resource.name),
      );
      assert.ok(resource.list ?? resource.perParent ?? (nested || undefined), 'nothing leads to it');
    }),
  ),
  check(DISCOVERY, 'can complete every nested list that the provider cuts', (subject) =>
    each(subject, ({ children }, connector) => {
      for (const child of children ?? []) {
        if (child.more === undefined || child.replace === false) continue;
        assert.ok(connector.resources[child.resource]?.perParent, `${child.resource} has no list per parent`);
      }
    }),
  ),
  check(DISCOVERY, 'can do what it says about changes', (subject) =>
    each(subject, ({ name, incremental, list, version }, connector) => {
      if (incremental.by === 'events' && list !== undefined) {
        assert.ok((connector.changeLog?.groups([name]).length ?? 0) > 0, 'the log of changes does not tell of it');
      } else if (incremental.by === 'search' || incremental.by === 'window') {
        assert.ok(list, 'there is no list to ask');
        assert.ok(incremental.overlapMs > 0, 'an overlap of zero loses what was written late');
        if (incremental.by === 'search') assert.ok(version, 'a search by change time needs the change time');
      }
      if (incremental.by !== 'events' || incremental.silent === undefined) return;
      const { silent } = incremental;
      assert.match(silent.why, /\S/);
      assert.ok(list, 'there is no list beside the log of changes');
      if (silent.by === 'window') assert.ok(list.ranged === true && silent.overlapMs > 0, 'the list has no window');
    }),
  ),
  check(DISCOVERY, 'can ask again for one object of what its events tell of', (subject) =>
    each(subject, ({ incremental, list, retrieve }) => {
      if (incremental.by === 'events' && list !== undefined)
        assert.ok(retrieve, 'two states of one second could never be ordered');
    }),
  ),
  check(DISCOVERY, 'knows the parent of a list that may be refused as a whole', (subject) =>
    each(subject, ({ list, perParent }, connector) => {
      if (list?.fallback === undefined) return;
      assert.ok(connector.resources[list.fallback.parent], `there is no "${list.fallback.parent}"`);
      assert.ok(perParent, 'no list per parent');
    }),
  ),
  check(REQUESTS, 'asks for pages of a sensible size', (subject) =>
    each(subject, ({ list, perParent }) => {
      for (const size of [list?.pageSize, perParent?.pageSize])
        if (size !== undefined) assert.ok(Number.isInteger(size) && size > 0 && size <= 1000, `a page of ${size}`);
    }),
  ),
  check(
    REQUESTS,
    'has a place for the id in the path of one object, and for the parent in a list per parent',
    (subject) =>
      each(subject, ({ retrieve, perParent }) => {
        if (retrieve !== undefined) assert.match(retrieve.path, /\{id\}/);
        if (perParent !== undefined) assert.match(JSON.stringify(perParent), /\{parent\}/);
      }),
  ),
  check(REQUESTS, 'begins every path with a slash, and never puts the key into a URL', (subject) => {
    const { apiKey } = accountOf(subject);
    each(subject, (resource, connector) => {
      if (resource.list === undefined) return;
      const request = firstPage(connector, resource);
      assert.match(request.path, /^\//);
      assert.ok(!textOf(request).includes(apiKey), 'the key is in the request');
    });
  }),
  check(REQUESTS, 'asks for the page after a cursor', (subject) =>
    each(subject, (resource, connector) => {
      if (resource.list === undefined || resource.list.next.style === 'none') return;
      const next = textOf(firstPage(connector, resource, { cursor: '42' }));
      assert.ok(next.includes('42'), 'the cursor is not in the request');
      assert.notEqual(next, textOf(firstPage(connector, resource)));
    }),
  ),
  check(REQUESTS, 'asks for a range of creation time where it says that it can', (subject) =>
    each(subject, (resource, connector) => {
      if (resource.list?.ranged !== true) return;
      const asked = (from?: number, to?: number) => textOf(firstPage(connector, resource, { from, to }));
      assert.notEqual(asked(1_600_000_001), asked(), 'the lower bound is not in the request');
      assert.notEqual(
        asked(1_600_000_001, 1_700_000_002),
        asked(1_600_000_001),
        'the upper bound is not in the request',
      );
    }),
  ),
  check(REQUESTS, 'asks differently for every part of a list that is read in parts', (subject) =>
    each(subject, (resource, connector) => {
      const { variants } = resource.list ?? {};
      if (variants === undefined) return;
      const texts = variants.map((variant) => textOf(firstPage(connector, resource, { variant })));
      assert.equal(new Set(texts).size, variants.length);
    }),
  ),
  check(REQUESTS, 'asks a list without pages for no number of records', (subject) =>
    each(subject, (resource, connector) => {
      if (resource.list?.next.style !== 'none') return;
      const asked = (limit: number) => textOf(connector.page(resource, { limit }));
      assert.equal(asked(7), asked(8), 'an answer with so many records could be the first of several pages');
    }),
  ),
  check(REQUESTS, 'asks the same question the same way', (subject) =>
    each(subject, (resource, connector) => {
      if (resource.list === undefined) return;
      const ask = () => textOf(firstPage(connector, resource, { cursor: 'c', from: 1, to: 2, since: 3000 }));
      assert.equal(ask(), ask());
    }),
  ),
  check(REQUESTS, 'has a cheap request that tells whether the key works', async (subject) => {
    const { connector } = subject;
    const account = subject.account();
    const ask = async (key: string) => {
      const url = new URL(connector.metadata.baseUrl + connector.probe.path);
      for (const [name, value] of Object.entries(connector.probe.query ?? {}))
        url.searchParams.set(name, String(value));
      return (await account.fetch(url, { headers: connector.headers(accountOf(subject, key)) })).status;
    };
    assert.equal(await ask(account.apiKey), 200);
    assert.ok((await ask('not_the_key')) >= 400, 'a wrong key passes');
  }),
  check(REQUESTS, 'asking whether a resource is readable takes nothing', async (subject) => {
    const { connector } = subject;
    const { apiKey, fetch } = subject.account();
    const ours = accountOf(subject, apiKey);
    const send = async ({ method = 'GET', path, query = {}, body }: ProviderRequest) => {
      const url = new URL(connector.metadata.baseUrl + path);
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) url.searchParams.set(name, String(value));
      const headers = { 'content-type': 'application/json', ...connector.headers(ours) };
      const answer = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.text() };
    };
    const listed = (subject.resources ?? Object.keys(connector.resources)).flatMap((name) => {
      const resource = connector.resources[name];
      return resource?.list === undefined ? [] : [resource];
    });
    for (const resource of listed) {
      const question = probeRequest(connector, resource);
      assert.ok(question, `${resource.name}: nothing harmless can be asked (list.probe)`);
      const first = await send(question);
      assert.equal((await send(question)).status, first.status, `${resource.name}: asked twice, the answers differ`);
    }
    // A sync that begins now finds every list free.
    for (const resource of listed) {
      if (resource.list?.fallback !== undefined) continue;
      const { status, body } = await send(firstPage(connector, resource, { variant: resource.list?.variants?.[0] }));
      assert.equal(status, 200, `${resource.name}: its list is refused after the question: ${body.slice(0, 200)}`);
    }
  }),
  check(DISCOVERY, 'tells the account behind a key, where it declares how, and guesses none', async (subject) => {
    const { identity, headers, metadata } = subject.connector;
    if (identity === undefined) return;
    const { apiKey, fetch } = subject.account();
    const ours = accountOf(subject, apiKey);
    const answer = await fetch(metadata.baseUrl + identity.request.path, { headers: headers(ours) });
    assert.match(identity.read(await answer.text(), ours) ?? 'none', /^(?!none$)\S/);
    for (const text of ['', 'null', '{}', '[1]', '<html></html>']) assert.equal(identity.read(text, ours), undefined);
  }),
];
