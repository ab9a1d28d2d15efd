import { beforeAll, expect, it } from 'vitest';
import { queryRoutes } from '../../src/engine/http/query-routes.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { host } from './hosted.ts';

describeEachDatabase('the printed address', (make) => {
  let shared: TestDatabase;
  beforeAll(async () => {
    shared = await make({ template: 'both connectors' });
  });

  it('says what this is and what it answers, as text to a browser or curl', async () => {
    const { http } = host(shared.database);
    for (const accept of ['*/*', 'text/html,application/xhtml+xml,*/*;q=0.8', undefined]) {
      const answer = await http.request('/', { headers: accept === undefined ? {} : { accept } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      const text = await answer.text();
      expect(text).toMatch(/^Supasaasy mirrors .*\n\n {2}POST {2}\/webhook\/:app_key/);
      expect(text).toContain('SUPASAASY_ADMIN_KEY');
    }
  });

  it('says it as JSON to who asks for JSON, and names no app', async () => {
    const { http } = host(shared.database);
    const answer = await http.request('/', { headers: { accept: 'application/json' } });
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ name: 'supasaasy', endpoints: expect.any(Array) });
    expect(text).not.toContain('stripe_main');
  });

  it('names every route that is mounted, and none that is not', async () => {
    const endpointsOf = async (http: ReturnType<typeof host>['http']) => {
      const answer = await http.request('/', { headers: { accept: 'application/json' } });
      return ((await answer.json()) as { endpoints: { method: string; path: string }[] }).endpoints;
    };
    const bare = host(shared.database).http;
    expect((await endpointsOf(bare)).map(({ path }) => path)).not.toContain('/query');
    const { http } = host(shared.database);
    http.route('/', queryRoutes(shared.database, { adminKeys: () => [] }));
    const named = new Set((await endpointsOf(http)).map(({ path }) => path));
    // What is done with one consumer is told by the line of all of them.
    const mounted = http.routes.map(({ path }) => path).filter((path) => !/^\/(\*|consumers\/.*)?$/.test(path));
    expect([...named].sort()).toEqual([...new Set([...mounted, '/consumers'])].sort());
  });

  it('is for reading only', async () => {
    const { http } = host(shared.database);
    const answer = await http.request('/', { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});
