import { type Connector, defineConnector } from '../../src/kit/index.ts';
import type { ConnectorSubject, TrialAccount } from '../../src/testing/index.ts';
import { acmeSubject } from './acme-subject.ts';

/** What the connector says instead; of any type, for that may be what is wrong with it. */
type Wrong = Readonly<Record<string, unknown>>;

/** A subject whose connector says some things wrong. It takes the name of the good one. */
export function hostile(wrong: Wrong): ConnectorSubject {
  const good = acmeSubject();
  const connector: Connector = Object.assign({ ...good.connector }, wrong);
  try {
    defineConnector(connector);
  } catch {
    // What is refused at its definition cannot be registered; the checks look at it all the same.
  }
  return { ...good, connector };
}

/** A subject of which one resource is described wrongly. */
export function misdescribed(name: string, wrong: Wrong): ConnectorSubject {
  const { resources } = acmeSubject().connector;
  return hostile({ resources: { ...resources, [name]: { ...resources[name], ...wrong } } });
}

/** A subject whose list of one resource is described wrongly; the provider may read its question in another way. */
export function mislisted(
  name: string,
  wrong: Wrong,
  read: (query: URLSearchParams) => void = () => {},
): ConnectorSubject {
  const subject = misdescribed(name, { list: { ...acmeSubject().connector.resources[name]?.list, ...wrong } });
  return {
    ...subject,
    account() {
      const account = subject.account();
      return {
        ...account,
        async fetch(input, init) {
          const url = new URL(String(input));
          if (url.pathname === `/${name}s`) read(url.searchParams);
          return await account.fetch(url, init);
        },
      };
    },
  };
}

/** The good connector before another account. */
export function before(account: (good: TrialAccount) => TrialAccount): ConnectorSubject {
  const good = hostile({});
  return { ...good, account: () => account(good.account()) };
}

type Body = Record<string, unknown>;

/** An account whose good answers at `path` are changed on their way. */
export function answering(path: RegExp, change: (body: Body, url: URL) => unknown): ConnectorSubject {
  return before((account) => ({
    ...account,
    async fetch(input, init) {
      const url = new URL(String(input));
      const answer = await account.fetch(input, init);
      if (!path.test(url.pathname) || !answer.ok) return answer;
      return Response.json(change(await answer.json(), url), { headers: answer.headers });
    },
  }));
}

/** The same, record by record of a list. */
export function recording(
  path: RegExp,
  change: (record: Body, index: number) => unknown,
  keep: (index: number) => boolean = () => true,
): ConnectorSubject {
  return answering(path, (body) => {
    const { data } = body;
    return Array.isArray(data) ? { ...body, data: data.filter((_, i) => keep(i)).map(change) } : body;
  });
}
