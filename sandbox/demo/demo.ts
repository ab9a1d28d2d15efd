import { join } from 'node:path';
import type { SandboxProvider } from '../http/provider.ts';
import { type SandboxServer, serveSandbox } from '../http/serve.ts';
import { createIntercomSandbox } from '../intercom/intercom-sandbox.ts';
import { createStripeSandbox } from '../stripe/index.ts';
import { withJournal } from './journal.ts';

export interface DemoOptions {
  /** Where the worlds are remembered from one start to the next; absent: they begin anew each time. */
  readonly folder?: string;
  readonly host?: string;
  /** First port; the next provider takes the next one. 0, the default: any free ones. */
  readonly port?: number;
  readonly seed?: number;
  /** Customers of Stripe and contacts of Intercom; everything else in proportion. */
  readonly people?: number;
}

/** An emulated account, and what a client needs to know of it. */
export interface DemoAccount {
  readonly name: string;
  readonly url: string;
  readonly apiKey: string;
  readonly webhookSecret: string;
  /** The same, as the variables of `.env.example`. */
  readonly env: Readonly<Record<string, string>>;
  /** A question that a mirror of the account answers. */
  readonly example: string;
  readonly server: SandboxServer;
}

/** About 30,000 Stripe objects and 9,000 of Intercom: a first sync of seconds. */
const PEOPLE = 2_400;
const STRIPE_KEY = 'sk_test_sandbox';
const STRIPE_SECRET = 'whsec_sandbox';
const INTERCOM_KEY = 'sandbox-intercom-token';
const INTERCOM_SECRET = 'sandbox-intercom-secret';
const DAY_MS = 86_400_000;
const STRIPE_EXAMPLE = `select c.name, c.email, count(*) as invoices, sum(i.amount_paid) / 100.0 as paid
from supasaasy.stripe_customers c
join supasaasy.stripe_invoices i on i.customer_id = c.id
where i.status = 'paid'
group by c.name, c.email
order by paid desc
limit 5`;
const INTERCOM_EXAMPLE = `select state, count(*) as conversations
from supasaasy.intercom_conversations
group by state
order by conversations desc`;

/** Serves an emulated Stripe account and an emulated Intercom workspace. */
export async function serveDemo(options: DemoOptions = {}): Promise<DemoAccount[]> {
  const seed = options.seed ?? 1;
  const { host } = options;
  const makers: Record<string, Maker> = {
    stripe: {
      apiKey: STRIPE_KEY,
      webhookSecret: STRIPE_SECRET,
      example: STRIPE_EXAMPLE,
      names: ['STRIPE_BASE_URL', 'STRIPE_API_KEY', 'STRIPE_WEBHOOK_SECRET'],
      make: ({ bornMs, nowMs }) =>
        createStripeSandbox({
          seed,
          nowMs,
          untilMs: Math.floor(bornMs / DAY_MS) * DAY_MS,
          size: { customers: options.people ?? PEOPLE },
          apiKey: STRIPE_KEY,
          webhookSecret: STRIPE_SECRET,
        }),
    },
    intercom: {
      apiKey: INTERCOM_KEY,
      webhookSecret: INTERCOM_SECRET,
      example: INTERCOM_EXAMPLE,
      names: ['INTERCOM_BASE_URL', 'INTERCOM_API_KEY', 'INTERCOM_CLIENT_SECRET'],
      make: ({ nowMs }) =>
        createIntercomSandbox({
          seed,
          nowMs,
          size: options.people ?? PEOPLE,
          accessToken: INTERCOM_KEY,
          clientSecret: INTERCOM_SECRET,
        }),
    },
  };
  const accounts: DemoAccount[] = [];
  for (const [index, [name, { make, apiKey, webhookSecret, names, example }]] of Object.entries(makers).entries()) {
    const provider =
      options.folder === undefined
        ? make({ bornMs: Date.now(), nowMs: Date.now })
        : withJournal(join(options.folder, `${name}.journal`), make).provider;
    const server = await serveSandbox(provider, {
      port: options.port ? options.port + index : 0,
      ...(host === undefined ? {} : { host }),
    });
    const { url } = server;
    const env = { [names[0]]: url, [names[1]]: apiKey, [names[2]]: webhookSecret };
    accounts.push({ name, url, apiKey, webhookSecret, env, example, server });
  }
  return accounts;
}

interface Maker {
  readonly apiKey: string;
  readonly webhookSecret: string;
  /** Variables of the URL, the key and the webhook secret. */
  readonly names: readonly [string, string, string];
  readonly example: string;
  readonly make: (clock: Clock) => SandboxProvider;
}

interface Clock {
  readonly bornMs: number;
  readonly nowMs: () => number;
}
