import { describe, expect, it } from 'vitest';
import { intercom } from '../../../connectors/intercom/index.ts';
import { createIntercomSandbox } from '../../../sandbox/intercom/intercom-sandbox.ts';
import { intercomClient } from '../../sandbox/intercom-client.ts';

const refused = (code: string, message = '') =>
  JSON.stringify({ type: 'error.list', request_id: 'r', errors: [{ code, message }] });

describe('what an Intercom refusal means', () => {
  it('waits for a scroll that is open elsewhere, and starts an expired one again (A24, A34)', () => {
    const clock = { ms: Date.UTC(2026, 2, 1) };
    const sandbox = createIntercomSandbox({ seed: 1, size: { contacts: 5, companies: 250 }, nowMs: () => clock.ms });
    const { get } = intercomClient(sandbox);
    const { scroll_param } = get('/companies/scroll').json;
    const second = get('/companies/scroll');
    expect(intercom.meaning?.(second.status, JSON.stringify(second.json))).toBe('retry');
    clock.ms += 61_000;
    const expired = get(`/companies/scroll?scroll_param=${scroll_param}`);
    expect(intercom.meaning?.(expired.status, JSON.stringify(expired.json))).toBe('cursor_lost');
  });

  it('starts again when Intercom says that a scroll must be restarted', () => {
    expect(
      intercom.meaning?.(500, refused('server_error', 'Request failed. Please restart the scroll operation.')),
    ).toBe('cursor_lost');
  });

  it('drops a cursor that is not accepted', () => {
    const { get } = intercomClient(createIntercomSandbox({ seed: 1, size: 5 }));
    const { status, json } = get('/contacts?starting_after=nonsense');
    expect(intercom.meaning?.(status, JSON.stringify(json))).toBe('cursor_lost');
  });

  it('tells a missing permission from a wrong key (A25, A26)', () => {
    expect(intercom.meaning?.(401, refused('token_unauthorized'))).toBe('forbidden');
    expect(intercom.meaning?.(403, refused('api_plan_restricted'))).toBe('forbidden');
    expect(intercom.meaning?.(401, refused('unauthorized', 'Access Token Invalid'))).toBeUndefined();
  });

  it('knows too many requests by status or by code', () => {
    expect(intercom.meaning?.(429, '')).toBe('rate_limited');
    expect(intercom.meaning?.(400, refused('rate_limit_exceeded'))).toBe('rate_limited');
  });

  it.each([
    [404, refused('not_found', 'Company Not Found')],
    [404, '{}'],
    [500, '<html>'],
    [400, '{"errors": []}'],
    [400, 'null'],
  ])('leaves %i %s to the general table', (status, body) => {
    expect(intercom.meaning?.(status, body)).toBeUndefined();
  });
});

describe('the rate of an Intercom app (S4-18)', () => {
  it('stays within ten thousand a minute in every window of ten seconds', () => {
    const { perSecond, burst } = intercom.limits.limit('app', { appKey: 'a', baseUrl: '', apiKey: '', settings: {} });
    expect(burst + perSecond * 10).toBeLessThanOrEqual(1_666);
  });
});
