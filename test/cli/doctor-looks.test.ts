import { describe, expect, it } from 'vitest';
import { intercom } from '../../connectors/intercom/index.ts';
import { stripe } from '../../connectors/stripe/index.ts';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import type { SandboxProvider } from '../../sandbox/http/provider.ts';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { createStripeSandbox } from '../../sandbox/stripe/index.ts';
import { checkProvider } from '../../src/cli/doctor/check-provider.ts';
import { checkWebhook } from '../../src/cli/doctor/check-webhook.ts';
import { parseConfig } from '../../src/config.ts';
import { createApps } from '../../src/engine/app.ts';
import { defaultPorts } from '../../src/engine/ports.ts';
import type { Connector } from '../../src/kit/index.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { createAcmeApi } from '../support/acme-api.ts';
import { acme } from '../support/acme-connector.ts';

/** What a request may be that only looks: a GET, or a search, which Intercom takes by POST. */
const LOOKS = /^GET |^POST \/(conversations|tickets|contacts)\/search$/;
const signal = new AbortController().signal;

function doctorOf(connector: Connector, key: string, answer: typeof fetch) {
  const config = parseConfig({
    apps: [
      {
        app_key: 'main',
        connector: connector.metadata.name,
        config: { api_key_env: 'KEY', webhook_secret_env: 'SECRET' },
      },
    ],
  });
  const requests: string[] = [];
  const ports = defaultPorts({
    async fetch(input, init) {
      requests.push(`${init?.method ?? 'GET'} ${new URL(String(input)).pathname}`);
      return await answer(input, init);
    },
  });
  const app = createApps(config, { KEY: key, SECRET: 'secret' }).get('main') ?? expect.fail('there is an app');
  return {
    requests,
    look: async () => [...(await checkProvider(app, ports, signal)), await checkWebhook(app, undefined, ports)],
  };
}

const stateOf = ({ counts, takeDeliveries }: SandboxProvider) => [counts(), takeDeliveries?.()];

describe('C32: doctor only looks', () => {
  it('at Intercom: it opens no scroll, so that another integration and the next sync find it free', async () => {
    const sandbox = createIntercomSandbox({});
    const fetch = sandboxFetch(sandbox);
    const { look, requests } = doctorOf(intercom, sandbox.accessToken, fetch);
    const before = stateOf(sandbox);
    for (let n = 0; n < 2; n += 1)
      expect((await look()).filter(({ check, level }) => check !== 'webhook' && level !== 'ok')).toEqual([]);
    expect(requests.filter((request) => request.includes('scroll'))).toEqual([]);
    for (const request of requests) expect(request).toMatch(LOOKS);
    const scroll = await fetch(`${intercom.metadata.baseUrl}/companies/scroll`, {
      headers: { authorization: `Bearer ${sandbox.accessToken}`, 'intercom-version': intercom.metadata.apiVersion },
    });
    expect(scroll.status).toBe(200);
    expect(stateOf(sandbox)).toEqual(before);
  });

  it('at Stripe: every request is a GET, and nothing changes', async () => {
    const sandbox = createStripeSandbox({ size: { customers: 16 } });
    const { look, requests } = doctorOf(stripe, sandbox.apiKey, sandboxFetch(sandbox));
    const before = stateOf(sandbox);
    const findings = await look();
    expect(findings.filter(({ check, level }) => check !== 'webhook' && level !== 'ok')).toEqual([]);
    const lists = Object.values(stripe.resources).filter(({ list }) => list !== undefined);
    expect(requests.length).toBeGreaterThanOrEqual(lists.length);
    for (const request of requests) expect(request).toMatch(/^GET /);
    expect(stateOf(sandbox)).toEqual(before);
  });

  it('says that a list was not tried whose description names no harmless question', async () => {
    const api = createAcmeApi(createAcmeAccount());
    const { label } = acme.resources;
    if (label?.list === undefined) throw new Error('there are labels');
    const list = { ...label.list, next: { style: 'scroll', path: ['next'] } } as const;
    const scrolling = { ...acme, resources: { ...acme.resources, label: { ...label, list } } };
    const { look, requests } = doctorOf(acme, 'acme_key_sandbox', api.fetch);
    expect((await look()).filter(({ check, level }) => check === 'permission' && level !== 'ok')).toEqual([]);
    expect(requests).toContain('GET /labels');
    const config = parseConfig({
      apps: [{ app_key: 'main', connector: 'acme', config: { api_key_env: 'KEY', webhook_secret_env: 'SECRET' } }],
    });
    const [app] = createApps(
      { ...config, apps: config.apps.map((one) => ({ ...one, connector: scrolling })) },
      { KEY: 'acme_key_sandbox' },
    ).values();
    api.requests.length = 0;
    const findings = await checkProvider(
      app ?? expect.fail('there is an app'),
      defaultPorts({ fetch: api.fetch }),
      signal,
    );
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'permission',
        level: 'warning',
        resource: 'label',
        message: expect.stringContaining('was not tried'),
      }),
    );
    expect(api.requests.filter((path) => path.startsWith('/labels'))).toEqual([]);
  });
});
