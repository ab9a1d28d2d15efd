import type { DeliverySettings } from './deliver.ts';
import type { Sandbox } from './exchange.ts';
import type { FaultRule } from './faults.ts';
import type { SandboxAnswer, SandboxRequest } from './provider.ts';
import type { RateLimitSettings } from './rate-limit.ts';
import { truthOf } from './truth.ts';

/** Routes under `/_sandbox/`: what tests ask of an emulator and no provider has. */
export function handleControl(sandbox: Sandbox, request: SandboxRequest): SandboxAnswer {
  const path = request.path.slice('/_sandbox/'.length);
  let body: unknown = {};
  if (request.body) {
    try {
      body = JSON.parse(request.body);
    } catch {
      return json(400, { error: 'The body must be JSON.' });
    }
  }
  const answer = request.method === 'GET' ? read(sandbox, path) : change(sandbox, path, body);
  if (answer) return answer;
  const own = sandbox.provider.control?.(path, body);
  if (sandbox.provider.takeDeliveries) sandbox.deliverer.send(sandbox.provider.takeDeliveries());
  return own === undefined
    ? json(404, { error: `No control route ${request.method} ${request.path}.` })
    : json(200, own);
}

function read(sandbox: Sandbox, path: string): SandboxAnswer | undefined {
  const { provider } = sandbox;
  const [head, resource] = path.split('/');
  if (head === 'truth' && resource) {
    if (!(resource in provider.counts())) return json(404, { error: `No resource ${resource}.` });
    let lines = '';
    for (const object of provider.objects(resource)) lines += `${object.json}\n`;
    return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: lines };
  }
  switch (path) {
    case 'truth':
      return json(200, {
        provider: provider.name,
        resources: Object.fromEntries(Object.keys(provider.counts()).map((name) => [name, truthOf(provider, name)])),
      });
    case 'counts':
      return json(200, provider.counts());
    case 'requests':
      return json(200, { requests: sandbox.requests(), rate: sandbox.rateLimit.counters() });
    case 'faults':
      return json(200, { rules: sandbox.faults.rules(), struck: sandbox.faults.struck() });
    case 'rate-limit':
      return json(200, { settings: sandbox.rateLimit.settings(), counters: sandbox.rateLimit.counters() });
    case 'deliver':
      return json(200, { settings: sandbox.deliverer.settings(), stats: sandbox.deliverer.stats() });
    default:
      return undefined;
  }
}

function change(sandbox: Sandbox, path: string, body: unknown): SandboxAnswer | undefined {
  const fields = (body ?? {}) as Record<string, unknown>;
  switch (path) {
    case 'faults':
      sandbox.faults.set((Array.isArray(body) ? body : (fields['rules'] ?? [])) as FaultRule[]);
      return json(200, { rules: sandbox.faults.rules() });
    case 'rate-limit':
      sandbox.rateLimit.set(fields as RateLimitSettings);
      sandbox.rateLimit.resetCounters();
      return json(200, sandbox.rateLimit.settings());
    case 'deliver':
      sandbox.deliverer.set(fields as DeliverySettings);
      return json(200, { settings: sandbox.deliverer.settings() });
    case 'mutate': {
      const deliveries = sandbox.mutate(typeof fields['count'] === 'number' ? fields['count'] : 1);
      return json(200, { deliveries: deliveries.length, ids: deliveries.slice(-100).map((delivery) => delivery.id) });
    }
    case 'live':
      sandbox.live(Number(fields['per_second'] ?? 0));
      return json(200, { per_second: Number(fields['per_second'] ?? 0) });
    case 'reset':
      sandbox.reset();
      return json(200, { reset: true });
    default:
      return undefined;
  }
}

function json(status: number, value: unknown): SandboxAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
