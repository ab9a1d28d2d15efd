import { MissingSecretError } from '../../errors.ts';

/** Signing by the Standard Webhooks rules (https://www.standardwebhooks.com), version 1: HMAC-SHA256. */
export interface SignedMessage {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of one delivery, with a signature by each secret: both the old and the new one while it is rotated. */
export async function webhookHeaders(
  message: SignedMessage,
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const signatures = await Promise.all(secrets.map((secret) => sign(message, secret)));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': signatures.join(' '),
  };
}

async function sign(message: SignedMessage, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secretBytes(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const text = new TextEncoder().encode(`${message.id}.${message.timestamp}.${message.body}`);
  const digest = new Uint8Array(await crypto.subtle.sign('HMAC', key, text));
  return `v1,${btoa(String.fromCharCode(...digest))}`;
}

/** Throws for a secret that nothing can be signed with; its message names the variable only. */
export function assertSecret(secret: string, variable: string): void {
  try {
    secretBytes(secret);
  } catch (error) {
    throw new MissingSecretError(`the value of ${variable} is no secret to sign with: it must be whsec_ and base64`, {
      cause: error,
    });
  }
}

/** `whsec_` and base64; the prefix may be missing. */
function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const text = decode(secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : secret);
  if (text === undefined || text === '')
    throw new MissingSecretError('a secret to sign with is no such thing: it must be whsec_ and base64');
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function decode(base64: string): string | undefined {
  try {
    return atob(base64);
  } catch {
    return undefined;
  }
}
