import { describe, expect, it } from 'vitest';
import { intercom } from '../../../connectors/intercom/index.ts';
import { createIntercomSandbox } from '../../../sandbox/intercom/intercom-sandbox.ts';

const sandbox = createIntercomSandbox({ seed: 3, size: 20 });
const [delivery] = sandbox.provoke.createContact().deliveries;
const body = delivery?.body ?? '';
const signed = delivery?.sign(body, 0) ?? {};
const bytes = (text: string) => new TextEncoder().encode(text);

function verify(text: string | Uint8Array, headers: Record<string, string>, secrets: readonly string[]) {
  const raw = typeof text === 'string' ? bytes(text) : text;
  return intercom.webhook.verify({ body: raw, headers: new Headers(headers) }, secrets, Date.now());
}

describe('verifying an Intercom notification (S4-07, S4-08, A9)', () => {
  it('accepts what the client secret signed', async () => {
    expect(await verify(body, signed, [sandbox.clientSecret])).toEqual({ ok: true });
  });

  it('accepts the old secret and the new one while secrets are rotated', async () => {
    expect(await verify(body, signed, ['next', sandbox.clientSecret])).toEqual({ ok: true });
    expect(await verify(body, signed, [sandbox.clientSecret, 'next'])).toEqual({ ok: true });
  });

  it('reads the hexadecimal digits in either case', async () => {
    const header = (signed['x-hub-signature'] ?? '').replace(/[a-f]/g, (digit) => digit.toUpperCase());
    expect(await verify(body, { 'x-hub-signature': header }, [sandbox.clientSecret])).toEqual({ ok: true });
  });

  it('refuses a body of which one byte was changed', async () => {
    const changed = bytes(body);
    changed[10] = (changed[10] ?? 0) ^ 1;
    expect(await verify(changed, signed, [sandbox.clientSecret])).toMatchObject({ ok: false });
  });

  it.each([
    ['another secret', signed, ['wrong']],
    ['no secret at all', signed, []],
    ['no header', {}, [sandbox.clientSecret]],
    ['an empty header', { 'x-hub-signature': '' }, [sandbox.clientSecret]],
    ['no signature after the prefix', { 'x-hub-signature': 'sha1=' }, [sandbox.clientSecret]],
    ['another algorithm', { 'x-hub-signature': `sha256=${'a'.repeat(64)}` }, [sandbox.clientSecret]],
    ['a cut signature', { 'x-hub-signature': (signed['x-hub-signature'] ?? '').slice(0, -1) }, [sandbox.clientSecret]],
    ['a longer signature', { 'x-hub-signature': `${signed['x-hub-signature']}0` }, [sandbox.clientSecret]],
  ])('refuses %s, with a reason that shows no secret', async (_, headers, secrets) => {
    const verification = await verify(body, headers as Record<string, string>, secrets);
    expect(verification.ok).toBe(false);
    expect(JSON.stringify(verification)).not.toContain(sandbox.clientSecret);
  });

  it('verifies raw bytes, whatever text they are', async () => {
    const odd = new Uint8Array([0xff, 0x00, 0xfe, 0x7b]);
    const key = await crypto.subtle.importKey('raw', bytes('s'), { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
    const digest = new Uint8Array(await crypto.subtle.sign('HMAC', key, odd));
    const header = `sha1=${[...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    expect(await verify(odd, { 'x-hub-signature': header }, ['s'])).toEqual({ ok: true });
  });

  it('answers the HEAD that Intercom sends when an endpoint is saved (A2)', () => {
    expect(intercom.webhook.handshakeMethods).toEqual(['HEAD']);
  });
});
