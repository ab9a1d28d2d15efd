import assert from 'node:assert/strict';
import type { NormalizedEvent } from '../../kit/connector.ts';
import { parseJson } from '../../kit/json.ts';
import { valueAt } from '../../kit/normalize.ts';
import { type ConnectorCase, type ConnectorSubject, check, type TrialAccount, type TrialDelivery } from './subject.ts';

const GROUP = 'webhooks';

/** Deliveries of a few changes of a new account. */
function deliveriesOf(account: TrialAccount): TrialDelivery[] {
  const deliveries: TrialDelivery[] = [];
  for (let i = 0; i < 200 && deliveries.length < 25; i += 1) deliveries.push(...account.mutate());
  assert.ok(deliveries.length > 0, 'the account changes and announces nothing');
  return deliveries;
}

async function verify(
  subject: ConnectorSubject,
  change: (parts: { body: Uint8Array; headers: Headers }) => {
    body?: Uint8Array;
    headers?: Headers;
    secrets?: string[];
  },
): Promise<boolean> {
  const account = subject.account();
  const [delivery] = deliveriesOf(account);
  if (delivery === undefined) throw new Error('no delivery');
  const now = Date.now();
  const parts = {
    body: new TextEncoder().encode(delivery.body),
    headers: new Headers(delivery.sign(delivery.body, now)),
  };
  const { secrets = [account.webhookSecret], ...changed } = change(parts);
  return (await subject.connector.webhook.verify({ ...parts, ...changed }, secrets, now)).ok;
}

function eventsOf(subject: ConnectorSubject): { event: NormalizedEvent; body: string }[] {
  return deliveriesOf(subject.account()).map(({ body }) => ({ event: subject.connector.webhook.parse(body), body }));
}

const FROM = Date.UTC(2005, 0, 1);
const TO = Date.UTC(2100, 0, 1);

/** Verification and reading of deliveries. */
export const webhookCases: readonly ConnectorCase[] = [
  check(GROUP, 'accepts what the provider signed', async (subject) =>
    assert.equal(await verify(subject, () => ({})), true),
  ),
  check(GROUP, 'refuses a body with one byte changed', async (subject) => {
    for (const at of [0, 0.5, 1]) {
      const accepted = await verify(subject, ({ body }) => {
        const changed = body.slice();
        const index = Math.floor((body.length - 1) * at);
        changed[index] = (changed[index] ?? 0) ^ 1;
        return { body: changed };
      });
      assert.equal(accepted, false);
    }
  }),
  check(GROUP, 'refuses a body that was extended', async (subject) =>
    assert.equal(await verify(subject, ({ body }) => ({ body: new Uint8Array([...body, 32]) })), false),
  ),
  check(GROUP, 'refuses a delivery without a signature', async (subject) =>
    assert.equal(await verify(subject, () => ({ headers: new Headers() })), false),
  ),
  check(GROUP, 'refuses a signature made with another secret', async (subject) =>
    assert.equal(await verify(subject, () => ({ secrets: ['whsec_of_somebody_else'] })), false),
  ),
  check(GROUP, 'refuses everything while no secret is set', async (subject) => {
    assert.equal(await verify(subject, () => ({ secrets: [] })), false);
    assert.equal(await verify(subject, () => ({ headers: new Headers(), secrets: [] })), false);
  }),
  check(GROUP, 'accepts the old and the new secret while they rotate', async (subject) => {
    const { webhookSecret } = subject.account();
    assert.equal(await verify(subject, () => ({ secrets: ['whsec_new', webhookSecret] })), true);
    assert.equal(await verify(subject, () => ({ secrets: [webhookSecret, 'whsec_old'] })), true);
  }),
  check(GROUP, 'refuses a signature that is cut or garbled', async (subject) => {
    const accepted = await verify(subject, ({ headers }) => {
      const garbled = new Headers();
      headers.forEach((value, name) => {
        garbled.set(name, `${value.slice(0, -2)}zz`);
      });
      return { headers: garbled };
    });
    assert.equal(accepted, false);
  }),
  check(GROUP, 'gives every event an id of its own and a type', (subject) => {
    const events = eventsOf(subject).map(({ event }) => event);
    for (const { id, providerType } of events) {
      assert.match(id, /\S/);
      assert.match(providerType, /\S/);
    }
    const bodies = new Set(eventsOf(subject).map(({ body }) => body)).size;
    assert.ok(new Set(events.map(({ id }) => id)).size >= bodies, 'two events share an id');
  }),
  check(GROUP, 'knows when an event happened, in milliseconds', (subject) => {
    for (const { event } of eventsOf(subject))
      assert.ok(event.occurredAt > FROM && event.occurredAt < TO, `${event.occurredAt} is no time in milliseconds`);
  }),
  check(GROUP, 'reads one body the same way each time', (subject) => {
    for (const { event, body } of eventsOf(subject)) assert.deepEqual(subject.connector.webhook.parse(body), event);
  }),
  check(GROUP, 'tells of changes of resources that it has', (subject) => {
    const operations = eventsOf(subject).flatMap(({ event }) => event.operations);
    assert.ok(operations.length > 0, 'no event says anything about an object');
    for (const { resource, externalId } of operations) {
      assert.ok(subject.connector.resources[resource], `there is no resource "${resource}"`);
      assert.match(externalId, /\S/);
    }
  }),
  check(GROUP, 'points at the object inside the body, not beside it', (subject) => {
    for (const { event, body } of eventsOf(subject)) {
      for (const { resource, externalId, object, type } of event.operations) {
        if (object === undefined || type === 'delete') continue;
        const shape = subject.connector.resources[resource];
        const id = valueAt(parseJson(body), [...object, ...(shape?.id ?? [])]);
        assert.equal(
          id === undefined ? undefined : String(id),
          externalId,
          `${event.providerType}: another object lies at ${object.join('.')}`,
        );
      }
    }
  }),
  check(GROUP, 'throws on a body that is no event', (subject) => {
    for (const body of ['', 'hello', '[]', '{}', '42', 'null'])
      assert.throws(() => subject.connector.webhook.parse(body), Error, `${JSON.stringify(body)} passes as an event`);
  }),
  check(GROUP, 'keeps an event of a type that it does not know, without operations', (subject) => {
    if (subject.unknownEvent === undefined) throw new Error('say what such an event looks like: unknownEvent');
    assert.deepEqual(subject.connector.webhook.parse(subject.unknownEvent).operations, []);
  }),
];
