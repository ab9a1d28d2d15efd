import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { webhook } from '../../../connectors/stripe/webhook.ts';
import { snapshotEvent, thinEvent } from './event-fixtures.ts';

const SECRET = 'whsec_current';
const NOW_MS = 1_780_000_000_000;
const body = snapshotEvent({ type: 'customer.updated', object: { id: 'cus_1', object: 'customer' } });

async function signed(payload: string, secret = SECRET, timestamp = NOW_MS / 1000): Promise<string> {
  const cryptoProvider = Stripe.createSubtleCryptoProvider();
  return await Stripe.webhooks.generateTestHeaderStringAsync({ payload, secret, timestamp, cryptoProvider });
}

async function verify(
  payload: string | Uint8Array,
  header: string | undefined,
  secrets: string[] = [SECRET],
  nowMs = NOW_MS,
) {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const headers = new Headers(header === undefined ? {} : { 'Stripe-Signature': header });
  return await webhook.verify({ body: bytes, headers }, secrets, nowMs);
}

describe("verification of Stripe's deliveries", () => {
  it('S4-07, S4-08: takes a delivery that was signed with the secret', async () => {
    expect(await verify(body, await signed(body))).toEqual({ ok: true });
  });

  it('takes a thin event as well', async () => {
    const thin = thinEvent('v1.customer.updated', { id: 'cus_1', type: 'customer' });
    expect(await verify(thin, await signed(thin))).toEqual({ ok: true });
  });

  it('A9: takes either secret during a rotation', async () => {
    for (const secret of ['whsec_old', 'whsec_new']) {
      expect(await verify(body, await signed(body, secret), ['whsec_old', 'whsec_new'])).toEqual({ ok: true });
    }
  });

  it('A9: takes one good signature among several', async () => {
    const [time, good] = (await signed(body)).split(',');
    expect(await verify(body, `${time},v1=${'0'.repeat(64)},${good},v0=x`)).toEqual({ ok: true });
  });

  it("A9: refuses another app's secret", async () => {
    expect(await verify(body, await signed(body, 'whsec_other'))).toEqual({
      ok: false,
      reason: 'no signature fits',
      refusal: 'mismatch',
    });
  });

  it('A9: refuses a body of which one byte changed, wherever it is', async () => {
    const header = await signed(body);
    const bytes = new TextEncoder().encode(body);
    for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await verify(changed, header)).toEqual({ ok: false, reason: 'no signature fits', refusal: 'mismatch' });
    }
    expect(await verify(`${body} `, header)).toMatchObject({ ok: false });
  });

  it('A9: refuses a signature older than 300 seconds, and takes one of 300 seconds', async () => {
    const header = await signed(body);
    expect(await verify(body, header, [SECRET], NOW_MS + 300_000)).toEqual({ ok: true });
    expect(await verify(body, header, [SECRET], NOW_MS + 301_000)).toEqual({
      ok: false,
      reason: 'the signature is older than 300 seconds',
      refusal: 'expired',
    });
  });

  it.each([
    ['no header', undefined, 'the header Stripe-Signature is missing', 'unsigned'],
    ['an empty header', '', 'the header Stripe-Signature is missing', 'unsigned'],
    ['a header of nonsense', 'nonsense', 'the header Stripe-Signature cannot be read', 'unreadable'],
    ['a header without v1', 't=1780000000,v0=abc', 'the header Stripe-Signature has no v1 signature', 'unreadable'],
    ['a header without a time', `v1=${'0'.repeat(64)}`, 'the header Stripe-Signature cannot be read', 'unreadable'],
  ])('says why it refuses %s', async (_, header, reason, refusal) => {
    expect(await verify(body, header)).toEqual({ ok: false, reason, refusal });
  });

  it('never throws: an empty body, bytes that are no text, no secret, a blank secret', async () => {
    expect(await verify('', await signed(' '))).toMatchObject({ ok: false });
    expect(await verify(new Uint8Array([0xff, 0xfe, 0x00, 0x80]), await signed(body))).toMatchObject({ ok: false });
    expect(await verify(body, await signed(body), [])).toEqual({ ok: false, reason: 'no webhook secret is set' });
    expect(await verify(body, await signed(body), [' '])).toMatchObject({ ok: false });
  });

  it('A45: says neither the secret nor the body in its reason', async () => {
    const result = await verify(body, await signed(body, 'whsec_other'));
    expect(JSON.stringify(result)).not.toMatch(/whsec|cus_1/);
  });
});
