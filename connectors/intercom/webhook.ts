import {
  type Delivery,
  equalInConstantTime,
  hmacHex,
  type Verification,
  type WebhookHandler,
} from '../../src/kit/index.ts';
import { parseNotification } from './events.ts';

/** https://developers.intercom.com/docs/webhooks/webhook-notifications#signed-notifications */
export const webhook: WebhookHandler = {
  // Sent when the endpoint's URL is saved.
  handshakeMethods: ['HEAD'],
  verifyHeaders: (headers) => {
    const given = signatureIn(headers);
    return typeof given === 'string' ? { ok: true } : given;
  },
  verify,
  parse: parseNotification,
};

/** The 40 digits of the signature; or why there is none. */
function signatureIn(headers: Headers): string | Extract<Verification, { ok: false }> {
  const header = headers.get('x-hub-signature');
  if (header === null) return { ok: false, reason: 'no X-Hub-Signature header', refusal: 'unsigned' };
  const given = /^sha1=([0-9a-f]{40})$/i.exec(header)?.[1]?.toLowerCase();
  return (
    given ?? {
      ok: false,
      reason: 'the X-Hub-Signature header is not sha1=<40 hexadecimal digits>',
      refusal: 'unreadable',
    }
  );
}

/** HMAC-SHA1 of the raw bytes with the app's client secret. There is no timestamp: a replay is caught by the notification's id. */
async function verify({ body, headers }: Delivery, secrets: readonly string[]): Promise<Verification> {
  if (secrets.length === 0) return { ok: false, reason: 'no client secret is configured' };
  const given = signatureIn(headers);
  if (typeof given !== 'string') return given;
  let fits = false;
  for (const secret of secrets) fits = equalInConstantTime(await hmacHex('SHA-1', secret, body), given) || fits;
  return fits ? { ok: true } : { ok: false, reason: 'the signature fits none of the configured secrets' };
}
