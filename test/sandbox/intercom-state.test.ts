import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serveSandbox } from '../../sandbox/http/serve.ts';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { decimalIds, hexIds } from '../../sandbox/intercom/state/ids.ts';
import { createOrderIndex } from '../../sandbox/intercom/state/order-index.ts';
import { intercomClient, type Json } from './intercom-client.ts';

describe('the state behind an emulated Intercom workspace', () => {
  it('finds the index behind every id, and none behind a foreign one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: 2 ** 21 }), (seed, index) => {
        for (const ids of [hexIds(seed, 100), decimalIds(seed, 300)]) expect(ids.indexOf(ids.of(index))).toBe(index);
        expect(hexIds(seed, 100).indexOf(hexIds(seed, 200).of(index))).toBeUndefined();
      }),
    );
  });

  it('keeps entries in order through any inserts and removals', () => {
    const entry = fc.tuple(fc.integer({ min: 1_600_000_000, max: 1_600_000_009 }), fc.integer({ min: 0, max: 50 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), entry)), (steps) => {
        const index = createOrderIndex([]);
        const model = new Map<string, readonly [number, number]>();
        for (const [insert, [second, id]] of steps) {
          const key = `${second}:${id}`;
          if (!insert) expect(index.remove(second, id)).toBe(model.delete(key));
          else if (!model.has(key)) {
            index.insert(second, id);
            model.set(key, [second, id]);
          }
        }
        const sorted = [...model.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        expect(index.size).toBe(sorted.length);
        sorted.forEach(([second, id], position) => {
          expect(index.at(position)).toEqual({ second, id });
          expect(index.rank(second, id)).toBe(position);
        });
      }),
    );
  });

  it('lets a reader of list and notifications keep an exact copy through a thousand changes, merges apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seed) => {
        let nowMs = Date.UTC(2026, 0, 1);
        const size = { contacts: 40, companies: 20, conversations: 30, tickets: 10, articles: 3 };
        const sandbox = createIntercomSandbox({
          seed,
          size,
          nowMs: () => nowMs,
          mutationWeights: { 'contact.merge': 0 },
        });
        const { get } = intercomClient(sandbox);
        const paths: Record<string, string> = {
          contact: 'contacts',
          conversation: 'conversations',
          company: 'companies',
          ticket: 'tickets',
        };
        const copy = new Map<string, Json>();
        for (const type of Object.keys(paths))
          for (const { id, json } of sandbox.objects(type)) copy.set(`${type}:${id}`, JSON.parse(json));
        for (let turn = 0; turn < 1_000; turn += 1) {
          nowMs += 700;
          for (const delivery of sandbox.mutate()) {
            const { item } = (JSON.parse(delivery.body) as Json).data;
            const told = item.type === 'contact_tag' ? item.contact : item;
            const answer = get(`/${paths[told.type]}/${told.id}`);
            if (answer.status === 200 && !answer.json.archived) copy.set(`${told.type}:${told.id}`, answer.json);
            else copy.delete(`${told.type}:${told.id}`);
          }
        }
        const truth = Object.keys(paths).flatMap((type) => [...sandbox.objects(type)].map(({ id }) => `${type}:${id}`));
        expect([...copy.keys()].sort()).toEqual(truth.sort());
        for (const type of Object.keys(paths))
          for (const { id, json } of sandbox.objects(type)) expect(copy.get(`${type}:${id}`)).toEqual(JSON.parse(json));
      }),
      { numRuns: 5 },
    );
  });

  it('reads 100,000 contacts page by page and finds each once', () => {
    const sandbox = createIntercomSandbox({ size: 100_000 });
    const { listPages } = intercomClient(sandbox);
    const seen = new Set<string>();
    let total = 0;
    for (const page of listPages('/contacts', 150)) {
      for (const { id } of page.data) seen.add(id);
      total += page.data.length;
    }
    expect(total).toBe(100_000);
    expect(seen.size).toBe(100_000);
  });

  it('takes single changes over HTTP and sends what they cause', async () => {
    const sandbox = createIntercomSandbox({ size: 50 });
    const received: Json[] = [];
    const deliverFetch: typeof fetch = async (_url, init) => {
      received.push(JSON.parse(String(init?.body)));
      return new Response('ok');
    };
    const server = await serveSandbox(sandbox, { deliver: { url: 'http://receiver.test/' }, deliverFetch });
    try {
      const [id = ''] = sandbox.ids('contact');
      const provoke = async (name: string, ...args: unknown[]): Promise<Json> => {
        const answer = await fetch(`${server.url}/_sandbox/provoke/${name}`, {
          method: 'POST',
          body: JSON.stringify({ args }),
        });
        return answer.json();
      };
      expect((await provoke('archiveContact', id)).deliveries.length).toBeGreaterThan(0);
      expect((await provoke('createConversation')).id).toEqual(expect.any(String));
      expect(await provoke('deleteContact', 'nobody')).toEqual({ error: 'There is no object nobody' });
      await server.control.deliverer.idle();
      expect(received.map((event) => event.topic)).toEqual(
        expect.arrayContaining(['contact.archived', 'conversation.user.created']),
      );
    } finally {
      await server.close();
    }
  });
});
