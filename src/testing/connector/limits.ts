import assert from 'node:assert/strict';
import type { ProviderRequest } from '../../kit/resource.ts';
import { type ConnectorCase, type ConnectorSubject, check } from './subject.ts';

const GROUP = 'rate limits';

function requestsOf({ connector }: ConnectorSubject): ProviderRequest[] {
  return Object.values(connector.resources).flatMap((resource) => [
    ...(resource.list === undefined ? [] : [connector.page(resource, { limit: 7 })]),
    ...(resource.retrieve === undefined ? [] : [{ path: resource.retrieve.path.replace('{id}', 'id_1') }]),
  ]);
}

/** What a connector says about limits. */
export const limitCases: readonly ConnectorCase[] = [
  check(GROUP, 'counts every request somewhere', (subject) => {
    for (const request of requestsOf(subject))
      assert.ok(subject.connector.limits.classes(request).length > 0, `${request.path} draws from no bucket`);
  }),
  check(GROUP, 'gives every bucket a rate and a burst', (subject) => {
    const { limits, metadata, settings } = subject.connector;
    const account = {
      appKey: 'trial',
      baseUrl: metadata.baseUrl,
      apiKey: subject.account().apiKey,
      settings: settings.parse(subject.settings ?? {}),
    };
    for (const rateClass of new Set(requestsOf(subject).flatMap((request) => limits.classes(request)))) {
      const { perSecond, burst } = limits.limit(rateClass, account);
      assert.ok(perSecond > 0 && Number.isFinite(perSecond), `${rateClass}: ${perSecond} a second`);
      assert.ok(burst >= 1 && Number.isFinite(burst), `${rateClass}: a burst of ${burst}`);
    }
    const concurrency = limits.concurrency(account);
    assert.ok(Number.isInteger(concurrency) && concurrency >= 1, `${concurrency} requests at one time`);
  }),
  check(GROUP, 'counts two objects of one kind in one bucket', ({ connector }) => {
    for (const { name, retrieve } of Object.values(connector.resources)) {
      if (retrieve === undefined) continue;
      const classes = (id: string) => connector.limits.classes({ path: retrieve.path.replace('{id}', id) });
      assert.deepEqual(classes('id_1'), classes('id_2'), `${name}: a bucket for every object`);
    }
  }),
];
