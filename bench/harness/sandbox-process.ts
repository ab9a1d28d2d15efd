/** The emulated Stripe account in a process of its own. */

import type { SandboxProvider } from '../../sandbox/http/provider.ts';
import type { RateLimitSettings } from '../../sandbox/http/rate-limit.ts';
import { type SandboxServer, serveSandbox } from '../../sandbox/http/serve.ts';
import { type Truth, truthOf } from '../../sandbox/http/truth.ts';
import { createStripeSandbox, type StripeSandboxOptions } from '../../sandbox/stripe/stripe-sandbox.ts';
import { answerCalls, cpuSeconds } from './child.ts';

export interface SandboxOrder extends Omit<StripeSandboxOptions, 'nowMs'> {
  readonly latencyMs?: number;
  readonly rateLimit?: RateLimitSettings;
  /** Bytes of a customer as sent; the emulator's own have 730. */
  readonly customerBytes?: number;
}

const OWN_BYTES = 730;
const WORDS =
  'prefers invoices by post, was moved from the old system in spring, asks for a call before each renewal, pays late but pays; ';
const noteOf = (length: number) => WORDS.repeat(Math.ceil(length / WORDS.length)).slice(0, length);

let server: SandboxServer | undefined;

const WEBHOOK_SECRET = 'whsec_bench';

export interface SignedDelivery {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Deletes through the API as a person would, and gives what Stripe would send of it. */
function deleteCustomer(provider: SandboxProvider, id: string): SignedDelivery[] {
  const answer = provider.handle({
    method: 'DELETE',
    path: `/v1/customers/${id}`,
    query: new URLSearchParams(),
    headers: { authorization: 'Bearer sk_live_bench' },
    body: '',
  });
  if (answer.status !== 200) throw new Error(`the sandbox refused to delete ${id}: ${answer.body}`);
  return (provider.takeDeliveries?.() ?? []).map(({ body, sign }) => ({ body, headers: sign(body, Date.now()) }));
}

function running(): SandboxServer {
  if (server === undefined) throw new Error('the sandbox was not started');
  return server;
}

const calls = {
  async start({ latencyMs, rateLimit, customerBytes, ...options }: SandboxOrder): Promise<string> {
    const provider = createStripeSandbox({
      apiKey: 'sk_live_bench',
      webhookSecret: WEBHOOK_SECRET,
      ...(customerBytes === undefined ? {} : { customerNote: noteOf(Math.max(0, customerBytes - OWN_BYTES)) }),
      ...options,
    });
    server = await serveSandbox(provider, {
      ...(latencyMs === undefined ? {} : { faults: [{ kind: 'latency', latencyMs }] }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    });
    return server.url;
  },
  truth: (resource: string): Truth => truthOf(running().control.provider, resource),
  requests: (_: null): number => Object.values(running().control.requests()).reduce((sum, n) => sum + n, 0),
  rate: (_: null) => running().control.rateLimit.counters(),
  /** Deletes the first `count` customers; their deliveries. */
  deleteCustomers(count: number): SignedDelivery[] {
    const { provider } = running().control;
    const ids = [...(provider.ids?.('customer') ?? [])].slice(0, count);
    return ids.flatMap((id) => deleteCustomer(provider, id));
  },
  cpu: (_: null): number => cpuSeconds(),
};

export type SandboxCalls = typeof calls;

answerCalls(calls);
