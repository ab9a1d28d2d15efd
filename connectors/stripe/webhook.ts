import type { Delivery, Verification, WebhookHandler } from '../../src/kit/index.ts';
import { readEvent } from './events.ts';
import { loadStripe } from './sdk.ts';

/** How old a signature may be: Stripe's own default. https://docs.stripe.com/webhooks/signature */
const TOLERANCE_SECONDS = 300;
const TOO_OLD = `the signature is older than ${TOLERANCE_SECONDS} seconds`;

/** `t=<seconds>,v1=<hexadecimal>`, in any order, with other schemes between. https://docs.stripe.com/webhooks/signature */
function verifyHeaders(headers: Headers, nowMs: number): Verification {
  const header = headers.get('stripe-signature') ?? '';
  if (header === '') return refused('the header Stripe-Signature is missing');
  const at = /(?:^|,)t=(\d{1,12})(?=,|$)/.exec(header)?.[1];
  if (at === undefined) return refused('the header Stripe-Signature cannot be read');
  if (!/(?:^|,)v1=[0-9a-f]{64}(?=,|$)/i.test(header)) return refused('the header Stripe-Signature has no v1 signature');
  if (Math.floor(nowMs / 1000) - Number(at) > TOLERANCE_SECONDS) return refused(TOO_OLD);
  return { ok: true };
}

/** The official SDK checks the raw bytes; it parses nothing here, so that thin events pass as well. */
async function verify(delivery: Delivery, secrets: readonly string[], nowMs: number): Promise<Verification> {
  const header = delivery.headers.get('stripe-signature');
  if (header === null || header === '') return refused('the header Stripe-Signature is missing');
  if (secrets.length === 0) return refused('no webhook secret is set');
  const stripe = await loadStripe();
  const { signature } = stripe.webhooks;
  if (signature === null) return refused('the SDK cannot verify on this platform');
  let reason = 'no signature fits';
  for (const secret of secrets) {
    try {
      // With the SDK's own choice of cryptography for the platform: on Node that is ten times faster than Web Crypto.
      await signature.verifyHeaderAsync(delivery.body, header, secret, TOLERANCE_SECONDS, undefined, nowMs);
      return { ok: true };
    } catch (error) {
      reason = reasonOf(error, reason);
    }
  }
  return refused(reason);
}

/** In our words: the SDK's message is for its caller, and quotes the body. */
function reasonOf(error: unknown, otherwise: string): string {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('tolerance')) return TOO_OLD;
  if (message.includes('Unable to extract')) return 'the header Stripe-Signature cannot be read';
  if (message.includes('expected scheme')) return 'the header Stripe-Signature has no v1 signature';
  return otherwise;
}

function refused(reason: string): Verification {
  return { ok: false, reason };
}

export const webhook: WebhookHandler = {
  verifyHeaders,
  verify,
  parse: (body) => readEvent(JSON.parse(body)),
};
