/** Sends webhook deliveries at a fixed rate, whatever is answered, and finds out when their rows were committed. */
import { createHmac } from 'node:crypto';
import http from 'node:http';
import pg from 'pg';
import { answerCalls } from './child.ts';

export interface OfferOrder {
  readonly url: string;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Offered {
  readonly offered: number;
  /** By status; 0: no answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Milliseconds from sending to the end of the answer. */
  readonly ackMs: readonly number[];
  /** Milliseconds from sending to the commit of the row; fewer than offered: some have none yet. */
  readonly rowMs: readonly number[];
  /** Milliseconds from the last sending until all rows were there. */
  readonly settledMs: number;
}

const SECRET = 'whsec_bench';
const TICK_MS = 5;
const SETTLE_AT_MOST_MS = 60_000;

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
let client: pg.Client | undefined;
let customers: { readonly id: string; readonly body: string }[] = [];
let events = 0;

function post(url: URL, body: string): Promise<number> {
  const seconds = Math.floor(Date.now() / 1000);
  const digest = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex');
  return new Promise((resolve) => {
    const request = http.request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'stripe-signature': `t=${seconds},v1=${digest}`,
        },
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      },
    );
    request.once('error', () => resolve(0));
    request.end(body);
  });
}

/** `customer.updated` of a customer that no event has named before. */
function nextEvent(): { readonly customer: string; readonly body: string } {
  const customer = customers[events];
  events += 1;
  if (customer === undefined) throw new Error('no customer is left that no event has named');
  const object = customer.body.replace('"delinquent": false', '"delinquent": true');
  return {
    customer: customer.id,
    body: `{"id":"evt_bench_${events}","object":"event","api_version":"2025-03-31.basil","created":${Math.floor(Date.now() / 1000)},"data":{"object":${object}},"livemode":true,"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"customer.updated"}`,
  };
}

const calls = {
  async prepare(databaseUrl: string): Promise<number> {
    client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ id: string; body: string }>(
      `select external_id as id, raw_payload::text as body from supasaasy.entities
       where collection_key = 'stripe_customer' and raw_payload ->> 'delinquent' = 'false' order by external_id`,
    );
    customers = rows;
    return rows.length;
  },
  async offer({ url, perSecond, seconds }: OfferOrder): Promise<Offered> {
    const total = perSecond * seconds;
    const target = new URL(url);
    const statuses: Record<string, number> = {};
    const ackMs: number[] = [];
    const sentAt = new Map<string, number>();
    const open = new Set<Promise<void>>();
    const began = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond));
        while (sentAt.size < due) {
          const { customer, body } = nextEvent();
          sentAt.set(customer, performance.timeOrigin + performance.now());
          const start = performance.now();
          const one = post(target, body).then((status) => {
            ackMs.push(performance.now() - start);
            statuses[status] = (statuses[status] ?? 0) + 1;
            open.delete(one);
          });
          open.add(one);
        }
        if (sentAt.size === total) {
          clearInterval(timer);
          resolve();
        }
      }, TICK_MS);
    });
    const lastAt = performance.now();
    await Promise.all(open);
    const rowMs = await committed(sentAt, lastAt + SETTLE_AT_MOST_MS);
    return { offered: total, statuses, ackMs, rowMs, settledMs: performance.now() - lastAt };
  },
};

/** Looks until every row is there, or for long enough. */
async function committed(sentAt: ReadonlyMap<string, number>, untilMs: number): Promise<number[]> {
  for (;;) {
    const { rows } = (await client?.query<{ id: string; at: number }>(
      `select external_id as id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as at
       from supasaasy.entities where collection_key = 'stripe_customer' and external_id = any($1)
         and raw_payload ->> 'delinquent' = 'true'`,
      [[...sentAt.keys()]],
    )) ?? { rows: [] };
    if (rows.length === sentAt.size || performance.now() > untilMs)
      return rows.map(({ id, at }) => at - (sentAt.get(id) ?? 0));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export type LoadCalls = typeof calls;

answerCalls(calls);
