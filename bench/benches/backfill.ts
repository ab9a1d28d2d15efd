import { atLeast, type Bench, fixed, median, type Row, sized, whole } from '../harness/bench.ts';
import { installPeers, openApiSpec, PEER_VERSIONS, PEERS, type Peer, runPeer } from '../harness/peers.ts';
import { type Sandbox, type Stage, startTrial } from '../harness/stage.ts';
import { DIGEST_FUNCTION, digestSql, mustEqual } from '../harness/verify.ts';

const REPETITIONS = 3;

interface Turn {
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** Client CPU a row, µs. */
  readonly client: number;
  /** CPU of PostgreSQL a row, µs. */
  readonly postgres: number;
}

/** The first mirror of an account, against the published engines: same sandbox, same server, turn by turn. */
export const backfill: Bench = {
  name: 'backfill',
  what: '50,000 customers of 1 KB, no latency, against the published peers',
  minutes: 4,
  async run(stage, options) {
    const customers = sized(50_000, options);
    const sandbox = await stage.sandbox({ size: { customers }, customerBytes: 1_024 });
    installPeers(options.say);
    const peers = PEERS.filter((peer) => peer !== '@stripe/sync-engine' || openApiSpec() !== undefined);
    const turns: Record<string, Turn[]> = { supasaasy: [], ...Object.fromEntries(peers.map((peer) => [peer, []])) };
    // One of ours that does not count: the first run finds cold caches, and so would whoever came first.
    await ourTurn(stage, sandbox);
    for (let i = 0; i < (options.quick ? 1 : REPETITIONS); i += 1) {
      const order = ['supasaasy', ...peers];
      for (const name of [...order.slice(i % order.length), ...order.slice(0, i % order.length)]) {
        const turn =
          name === 'supasaasy' ? await ourTurn(stage, sandbox) : await peerTurn(stage, sandbox, name as Peer);
        options.say(`${name}: ${whole(turn.rowsPerSecond)} rows/s`);
        turns[name]?.push(turn);
      }
    }
    const ours = median((turns['supasaasy'] ?? []).map((turn) => turn.rowsPerSecond));
    const best = Math.max(...peers.map((peer) => median((turns[peer] ?? []).map((turn) => turn.rowsPerSecond))));
    const rows: Row[] = Object.entries(turns).map(([name, all]) => {
      const rate = median(all.map((turn) => turn.rowsPerSecond));
      return {
        engine: name in PEER_VERSIONS ? `${name}@${PEER_VERSIONS[name as Peer]}` : name,
        'rows/s (median)': whole(rate),
        'rows/s (all)': all.map((turn) => whole(turn.rowsPerSecond)).join(', '),
        seconds: fixed(median(all.map((turn) => turn.seconds)), 2),
        'client µs/row': fixed(median(all.map((turn) => turn.client))),
        'PostgreSQL µs/row': fixed(median(all.map((turn) => turn.postgres))),
        'ours is faster by': fixed(ours / rate),
      };
    });
    return {
      tables: { [`${whole(customers)} customers, ${REPETITIONS} turns each`]: rows },
      goals: [
        atLeast('rows/s', ours, 25_000, 'rows/s'),
        atLeast('times the best published peer of this run', ours / best, 8, '×', fixed),
      ],
      ...(peers.length < PEERS.length
        ? { notes: ['@stripe/sync-engine was left out: STRIPE_OPENAPI_SPEC names no file.'] }
        : {}),
      series: Object.fromEntries(Object.entries(turns).map(([name, all]) => [name, all.map((t) => [t.rowsPerSecond])])),
    };
  },
};

async function ourTurn(stage: Stage, sandbox: Sandbox): Promise<Turn> {
  const trial = await startTrial(stage, sandbox, { resources: ['customer'] });
  try {
    const { seconds, rows, rowsPerSecond, cpuSeconds, postgresCpu } = await trial.sync('full');
    return { seconds, rowsPerSecond, client: (cpuSeconds / rows) * 1e6, postgres: (postgresCpu / rows) * 1e6 };
  } finally {
    await trial.end();
  }
}

async function peerTurn(stage: Stage, sandbox: Sandbox, peer: Peer): Promise<Turn> {
  const databaseUrl = await stage.server.createDatabase();
  const client = await stage.connect(databaseUrl);
  try {
    const cpuBefore = stage.server.cpuSeconds();
    const { seconds, cpuSeconds } = await runPeer(peer, databaseUrl, sandbox.url);
    const postgresCpu = stage.server.cpuSeconds() - cpuBefore;
    await client.query(DIGEST_FUNCTION);
    const truth = await sandbox.call('truth', 'customer');
    const found = await client.query<{ count: number; digest: string }>(digestSql('stripe.customers', 'id'));
    mustEqual(peer, found.rows[0], truth);
    return {
      seconds,
      rowsPerSecond: truth.count / seconds,
      client: (cpuSeconds / truth.count) * 1e6,
      postgres: (postgresCpu / truth.count) * 1e6,
    };
  } finally {
    await client.end();
    await stage.server.dropDatabase(databaseUrl);
  }
}
