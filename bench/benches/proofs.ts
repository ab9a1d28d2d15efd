import type { Client } from 'pg';
import { atMost, type Bench, fixed, type Goal, megabytes, type Row, sized, whole } from '../harness/bench.ts';
import { type Sandbox, startTrial, type Trial, verifyRows } from '../harness/stage.ts';

const PAGE = 100;
/** One by one: where the list no longer shows so few, each is asked for by its id. */
const FEW = 20;

/** What "provably in sync" costs: a pass over unchanged rows, an audit, and deletions found in each of the three ways. */
export const proofs: Bench = {
  name: 'proofs',
  what: '100,000 unchanged customers synced and audited again; deletions by event, audit and full pass; 1,000,000 in bounded memory',
  minutes: 5,
  async run(stage, options) {
    const goals: Goal[] = [];
    const table: Row[] = [];
    const customers = sized(100_000, options);
    const large = sized(1_000_000, options);

    options.say(`${whole(customers)} customers`);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
    const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
    const { client } = trial;
    await trial.sync('full');
    const pages = Math.ceil(customers / PAGE);

    const resync = await observe(trial, sandbox, () => trial.sync('full'));
    table.push({ what: 'unchanged full pass', ...shown(resync) });
    goals.push(
      atMost('unchanged: rows of entities written', resync.rowsWritten, 0, ''),
      atMost('unchanged: entries of the feed', resync.changes, 0, ''),
      atMost('unchanged: WAL', resync.wal / 1e6, 5, 'MB', fixed),
    );

    const audit = await observe(trial, sandbox, () => trial.engine.call('audit', {}));
    const { missing = 0, stale = 0, extra = 0 } = audit.result.resources['customer'] ?? {};
    table.push({ what: 'audit of equals', ...shown(audit) });
    goals.push(
      atMost('audit: requests a page', audit.requests / pages, 1.05, '', (n) => fixed(n, 3)),
      atMost('audit: differences', missing + stale + extra, 0, ''),
    );

    const latencies: number[] = [];
    for (const delivery of await sandbox.call('deleteCustomers', FEW))
      latencies.push(await trial.engine.call('deliver', delivery));
    await verifyRows(client, sandbox, ['customer']);
    goals.push(atMost('deletion by event, the slowest of 20', Math.max(...latencies), 1_000, 'ms', fixed));

    await sandbox.call('deleteCustomers', FEW * 5);
    const repair = await observe(trial, sandbox, () => trial.engine.call('audit', { repair: true }));
    await verifyRows(client, sandbox, ['customer']);
    table.push({ what: `audit that finds ${FEW * 5} deletions`, ...shown(repair) });

    const gone = Math.floor(customers / 10);
    await sandbox.call('deleteCustomers', gone);
    const pass = await observe(trial, sandbox, () => trial.sync('full'));
    table.push({ what: `full pass that finds ${whole(gone)} deletions`, ...shown(pass) });
    goals.push(atMost('full pass with deletions: database calls a page', pass.statements / pages, 3, '', fixed));
    await trial.end();
    await sandbox.stop();

    options.say(`${whole(large)} customers`);
    const many = await stage.sandbox({ size: { customers: large } });
    const bounded = await startTrial(stage, many, { resources: ['customer'] });
    await bounded.sync('full');
    await many.call('deleteCustomers', Math.floor(large / 10));
    const last = await observe(bounded, many, () => bounded.sync('full'));
    const peak = await bounded.engine.call('peakRss', null);
    table.push({ what: `full pass over ${whole(large)}, a tenth deleted`, ...shown(last) });
    goals.push(
      atMost('of 1,000,000: database calls a page', last.statements / Math.ceil(large / PAGE), 3, '', fixed),
      // What a Supabase Edge Function may have.
      atMost('of 1,000,000: resident memory of the engine, at its highest', peak / 1e6, 256, 'MB'),
    );
    await bounded.end();
    return { tables: { proofs: table }, goals };
  },
};

interface Observed<T> {
  readonly result: T;
  readonly seconds: number;
  readonly requests: number;
  /** Calls of the engine; each is one SQL function in one transaction. */
  readonly statements: number;
  /** Bytes. */
  readonly wal: number;
  readonly rowsWritten: number;
  readonly changes: number;
}

/** Runs a thing between two looks at the server: after a checkpoint and with nothing left to be vacuumed. */
async function observe<T>(trial: Trial, sandbox: Sandbox, work: () => Promise<T>): Promise<Observed<T>> {
  const { client, engine } = trial;
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
  const before = await look(client);
  const [requests, statements] = [await sandbox.call('requests', null), await engine.call('statements', null)];
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1000;
  const after = await look(client);
  return {
    result,
    seconds,
    requests: (await sandbox.call('requests', null)) - requests,
    statements: (await engine.call('statements', null)) - statements,
    wal: after.lsn - before.lsn,
    changes: after.changes - before.changes,
    rowsWritten: await writtenSince(client, before.xid),
  };
}

async function look(client: Client): Promise<{ lsn: number; changes: number; xid: string }> {
  const { rows } = await client.query<{ lsn: string; changes: string; xid: string }>(
    `select (pg_current_wal_lsn() - '0/0')::text as lsn, (select count(*) from supasaasy.changes)::text as changes,
       pg_snapshot_xmax(pg_current_snapshot())::text as xid`,
  );
  const [row] = rows;
  return { lsn: Number(row?.lsn), changes: Number(row?.changes), xid: row?.xid ?? '' };
}

/** Rows whose present version was written by a transaction that began after that one. */
async function writtenSince(client: Client, xid: string): Promise<number> {
  const { rows } = await client.query<{ n: string }>(
    'select count(*)::text as n from supasaasy.entities where xmin::text::bigint >= $1::bigint % 4294967296 and xmin::text::bigint > 2',
    [xid],
  );
  return Number(rows[0]?.n);
}

function shown({ seconds, requests, statements, wal, rowsWritten, changes }: Observed<unknown>): Row {
  return {
    seconds: fixed(seconds),
    requests,
    'database calls': statements,
    WAL: megabytes(wal),
    'rows written': rowsWritten,
    'feed entries': changes,
  };
}
