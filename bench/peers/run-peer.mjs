// One published engine mirrors all customers of the sandbox into an empty database.
// Arguments as JSON: {peer, databaseUrl, sandboxUrl, openApiSpecPath, workers}. Answers one line of JSON.
import { createRequire } from 'node:module';

const order = JSON.parse(process.argv[2]);
const { hostname: host, port } = new URL(order.sandboxUrl);
const quiet = Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, () => {}]));
const logger = { ...quiet, error: (...all) => console.error(...all), child: () => logger };
console.log = () => {};

function aim(stripe) {
  for (const [field, value] of Object.entries({ host, port, protocol: 'http' })) stripe._setApiField(field, value);
}

const peers = {
  async '@stripe/sync-engine'() {
    const { runMigrations, StripeSync } = await import('@stripe/sync-engine');
    await runMigrations({ databaseUrl: order.databaseUrl, openApiSpecPath: order.openApiSpecPath, logger });
    const sync = await StripeSync.create({
      stripeSecretKey: 'sk_live_bench',
      stripeAccountId: 'acct_1',
      poolConfig: { connectionString: order.databaseUrl, max: 25 },
      logger,
    });
    aim(sync.stripe);
    // The most requests a second that its own limiter shall let through: none that binds here.
    return () => sync.fullSync(['customer'], true, order.workers, 10_000, false);
  },
  async '@supabase/stripe-sync-engine'() {
    // Its ES module looks for its migrations by a name that only CommonJS has.
    const { runMigrations, StripeSync } = createRequire(import.meta.url)('@supabase/stripe-sync-engine');
    await runMigrations({ databaseUrl: order.databaseUrl, schema: 'stripe', logger });
    const sync = new StripeSync({
      stripeSecretKey: 'sk_live_bench',
      stripeWebhookSecret: 'whsec_x',
      poolConfig: { connectionString: order.databaseUrl, max: 25 },
      logger,
    });
    aim(sync.stripe);
    return () => sync.syncBackfill({ object: 'customer' });
  },
};

const run = await peers[order.peer]();
const cpuBefore = process.cpuUsage();
const started = performance.now();
await run();
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6 })}\n`, () => process.exit());
