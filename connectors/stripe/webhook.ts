import type { Delivery, SignatureFault, Verification, WebhookHandler } from '../../src/kit/index.ts';
import { parseJson } from '../../src/kit/index.ts';
import { readEvent } from './events.ts';
import { loadStripe } from './sdk.ts';

/** How old a signature may be: Stripe's own default. https://docs.stripe.com/webhooks/signature */
const TOLERANCE_SECONDS = 300;

type Fault = readonly [reason: string, refusal: SignatureFault];

const MISSING: Fault = ['the header Stripe-Signature is missing', 'unsigned'];
const UNREADABLE: Fault = ['the header Stripe-Signature cannot be read', 'unreadable'];
const WITHOUT_V1: Fault = ['the header Stripe-Signature has no v1 signature', 'unreadable'];
const TOO_OLD: Fault = [`the signature is older than ${TOLERANCE_SECONDS} seconds`, 'expired'];

/** `t=<seconds>,v1=<hexadecimal>`, in any order, with other schemes between. https://docs.stripe.com/webhooks/signature */
function verifyHeaders(headers: Headers, nowMs: number): Verification {
  const header = headers.get('stripe-signature') ?? '';
  if (header === '') return refused(...MISSING);
  const at = /(?:^|,)t=(\d{1,12})(?=,|$)/.exec(header)?.[1];
  if (at === undefined) return refused(...UNREADABLE);
  if (!/(?:^|,)v1=[0-9a-f]{64}(?=,|$)/i.test(header)) return refused(...WITHOUT_V1);
  if (Math.floor(nowMs / 1000) - Number(at) > TOLERANCE_SECONDS) return refused(...TOO_OLD);
  return { ok: true };
}

/** The official SDK checks the raw bytes; it parses nothing here, so that thin events pass as well. */
async function verify(delivery: Delivery, secrets: readonly string[], nowMs: number): Promise<Verification> {
  const header = delivery.headers.get('stripe-signature');
  if (header === null || header === '') return refused(...MISSING);
  if (secrets.length === 0) return refused('no webhook secret is set');
  const stripe = await loadStripe();
  const { signature } = stripe.webhooks;
  if (signature === null) return refused('the SDK cannot verify on this platform');
  let fault: Fault = ['no signature fits', 'mismatch'];
  for (const secret of secrets) {
    try {
      // With the SDK's own choice of cryptography for the platform: on Node that is ten times faster than Web Crypto.
      await signature.verifyHeaderAsync(delivery.body, header, secret, TOLERANCE_SECONDS, undefined, nowMs);
      return { ok: true };
    } catch (error) {
      fault = faultOf(error) ?? fault;
    }
  }
  return refused(...fault);
}

/** In our words: the SDK's message is for its caller, and quotes the body. */
function faultOf(error: unknown): Fault | undefined {
  const message = error instanceof Error ? error.message : '';
  if (message.includes('tolerance')) return TOO_OLD;
  if (message.includes('Unable to extract')) return UNREADABLE;
  if (message.includes('expected scheme')) return WITHOUT_V1;
  return undefined;
}

function refused(reason: string, refusal?: SignatureFault): Verification {
  return { ok: false, reason, ...(refusal === undefined ? {} : { refusal }) };
}

export const webhook: WebhookHandler = {
  verifyHeaders,
  verify,
  parse: (body) => readEvent(parseJson(body)),
};
