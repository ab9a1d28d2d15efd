import { describe, expect, it } from 'vitest';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { intercomClient, type Json } from './intercom-client.ts';

const NOW = Date.UTC(2026, 2, 10, 12);
const small = { contacts: 130, companies: 40, conversations: 60, tickets: 25, articles: 20 };

function workspace(options: Parameters<typeof createIntercomSandbox>[0] = {}) {
  const clock = { ms: NOW };
  const sandbox = createIntercomSandbox({ seed: 5, size: small, nowMs: () => clock.ms, ...options });
  return { clock, sandbox, ...intercomClient(sandbox) };
}
const ids = (list: Json[]): string[] => list.map((one) => one.id);

describe('companies of an emulated Intercom workspace', () => {
  it('lists only companies that have users, page by page', () => {
    const { sandbox, get, post } = workspace();
    const listed: string[] = [];
    for (let page = 1; ; page += 1) {
      const { json } = get(`/companies?per_page=7&page=${page}`);
      listed.push(...ids(json.data));
      if (!json.pages.next) break;
    }
    const all = [...sandbox.objects('company')].map(({ json }) => JSON.parse(json) as Json);
    expect(new Set(listed)).toEqual(new Set(ids(all.filter((one) => one.user_count > 0))));
    expect(listed.length).toBeLessThan(all.length);
    expect(post('/companies/list?per_page=60').json.data).toHaveLength(listed.length);
    expect(get('/companies?per_page=61').status).toBe(400);
  });

  it('stops the list of companies at 10,000', () => {
    const { get } = workspace({ size: { ...small, contacts: 30_000, companies: 16_000 } });
    const first = get('/companies?per_page=50&page=1').json;
    expect(first.total_count).toBeGreaterThan(10_000);
    expect(get('/companies?per_page=50&page=200').json.data).toHaveLength(50);
    expect(get('/companies?per_page=50&page=201')).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'bad_request' }] },
    });
  });

  it('scrolls over all companies, those without users included, and ends with an empty page', () => {
    const { sandbox, get } = workspace({ size: { ...small, companies: 250 } });
    const seen: string[] = [];
    let page = get('/companies/scroll').json;
    while (page.data.length > 0) {
      seen.push(...ids(page.data));
      page = get(`/companies/scroll?scroll_param=${page.scroll_param}`).json;
    }
    expect(page.scroll_param).toBeNull();
    expect(new Set(seen)).toEqual(new Set(sandbox.ids('company')));
    expect(get('/companies/scroll').status).toBe(200);
  });

  it('allows one scroll at a time, which expires after a minute unused and cannot be resumed', () => {
    const { clock, get } = workspace({ size: { ...small, companies: 250 } });
    const { scroll_param } = get('/companies/scroll').json;
    expect(get('/companies/scroll')).toMatchObject({ status: 400, json: { errors: [{ code: 'scroll_exists' }] } });
    clock.ms += 59_000;
    expect(get(`/companies/scroll?scroll_param=${scroll_param}`).status).toBe(200);
    clock.ms += 61_000;
    expect(get(`/companies/scroll?scroll_param=${scroll_param}`)).toMatchObject({
      status: 404,
      json: { errors: [{ code: 'not_found' }] },
    });
    expect(get('/companies/scroll').status).toBe(200);
  });
});
