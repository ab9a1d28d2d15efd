import { createHmac } from 'node:crypto';
import type { ConnectorSubject, TrialAccount } from '../../src/testing/index.ts';
import { createTestDatabase } from '../setup/database.ts';
import { createRandom } from '../simulator/random.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { ACME_KEY, createAcmeApi } from '../support/acme-api.ts';
import { ACME_TEMPLATE, acme } from '../support/acme-connector.ts';

const SECRET = 'acme_trial_secret';

/** The sample connector of the engine's own tests, on trial. */
export function acmeSubject(): ConnectorSubject {
  return {
    connector: acme,
    resources: ['thing', 'part', 'note', 'tag', 'label'],
    account: acmeTrial,
    database: async () => (await createTestDatabase('pglite', { template: ACME_TEMPLATE })).database,
    foreign: (body) => [JSON.stringify({ ...JSON.parse(body), account: 'another' })],
    unknownEvent: JSON.stringify({ id: 'ev_next_year', type: 'gadget.invented', created: 1_800_000_000 }),
  };
}

/** Five of each kind, and changes by chance of a seed. */
export function acmeTrial(): TrialAccount {
  const account = createAcmeAccount();
  const random = createRandom(42);
  let serial = 0;
  const next = () => {
    serial += 1;
    return serial;
  };
  const parts = (count: number) => Array.from({ length: count }, () => ({ id: `part_${next()}`, text: serial }));
  for (let i = 0; i < 9; i += 1) {
    account.create('thing', { value: i, active: true, parts: parts(i % 5) });
    account.create('note', { value: i });
    if (i < 5) account.create('tag', { name: `tag ${i}` });
    account.create('label', { name: `label ${i}` });
    account.tick();
  }
  return {
    apiKey: ACME_KEY,
    webhookSecret: SECRET,
    fetch: createAcmeApi(account).fetch,
    now: account.now,
    objects: function* (resource) {
      for (const [id, object] of account.truth(resource)) yield { id, json: JSON.stringify(object) };
    },
    mutate() {
      const heard = account.log.length;
      const kind = random.chance(0.6) ? 'thing' : 'note';
      const id = random.pick(account.ids(kind));
      if (random.chance(0.5)) account.tick();
      const roll = random.next();
      if (id === undefined || roll < 0.2) account.create(kind, { value: next(), active: true });
      else if (roll < 0.35 && kind === 'thing') account.remove(kind, id);
      else account.update(kind, id, { value: next(), ...(kind === 'thing' ? { parts: parts(random.int(5)) } : {}) });
      return account.log.slice(heard).map(({ body }) => ({
        body,
        sign: (text) => ({ 'acme-signature': createHmac('sha256', SECRET).update(text).digest('hex') }),
      }));
    },
  };
}
