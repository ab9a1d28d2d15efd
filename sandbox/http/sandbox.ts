import { handleControl } from './control.ts';
import { createDeliverer, type DeliverySettings } from './deliver.ts';
import type { Outcome, Sandbox } from './exchange.ts';
import { createFaults, type FaultRule } from './faults.ts';
import { pathClass } from './path-pattern.ts';
import type { RateBudget, SandboxAnswer, SandboxDelivery, SandboxProvider, SandboxRequest } from './provider.ts';
import { createRateLimit, type RateLimitSettings } from './rate-limit.ts';

export interface SandboxOptions {
  readonly nowMs?: () => number;
  /** Seed of faults and of delivery disorder. */
  readonly seed?: number;
  readonly faults?: readonly FaultRule[];
  readonly rateLimit?: RateLimitSettings;
  readonly deliver?: DeliverySettings;
  /** How deliveries are sent; default the global `fetch`. */
  readonly deliverFetch?: typeof fetch;
  /** Waiting of deliveries (delays, retries) and, with `fetch.ts`, of latency. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const nothing = () => {};
const HTML_PAGE =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n';

export function createSandbox(provider: SandboxProvider, options: SandboxOptions = {}): Sandbox {
  const nowMs = options.nowMs ?? Date.now;
  const seed = options.seed ?? 1;
  const faults = createFaults(seed, options.faults);
  const rateLimit = createRateLimit(nowMs, options.rateLimit);
  const deliverer = createDeliverer({
    seed,
    nowMs,
    ...(provider.retryDelaysMs && { retryDelaysMs: provider.retryDelaysMs }),
    ...(options.deliverFetch && { fetch: options.deliverFetch }),
    ...(options.sleep && { sleep: options.sleep }),
    ...(options.deliver && { settings: options.deliver }),
  });
  let requests: Record<string, number> = {};
  let timer: ReturnType<typeof setInterval> | undefined;

  function answered(answer: SandboxAnswer, budget: RateBudget | undefined, latencyMs = 0, truncated = false): Outcome {
    const extra = budget && provider.rateHeaders?.(budget);
    const complete = extra ? { ...answer, headers: { ...extra, ...answer.headers } } : answer;
    return { kind: 'answer', answer: complete, latencyMs, truncated };
  }

  function meet(request: SandboxRequest, budget: RateBudget | undefined): Outcome {
    const fault = faults.draw(request);
    const kind = fault?.rule.kind;
    const latencyMs = fault?.latencyMs ?? 0;
    if (kind === 'hang') return { kind: 'hang' };
    if (kind === 'reset') return { kind: 'reset', latencyMs };
    if (kind === 'html')
      return answered({ status: 502, headers: { 'content-type': 'text/html' }, body: HTML_PAGE }, undefined, latencyMs);
    if (kind === 429)
      return answered(
        refuse({ reason: 'requested', retryAfterMs: fault?.rule.retryAfterMs ?? 1_000 }),
        budget,
        latencyMs,
      );
    if (typeof kind === 'number')
      return answered(provider.failure?.(kind) ?? { status: kind, body: '{}' }, budget, latencyMs);
    const answer = provider.handle(request);
    if (provider.takeDeliveries) deliverer.send(provider.takeDeliveries());
    if (kind === 'lost') return { kind: 'reset', latencyMs };
    return answered(answer, budget, latencyMs, kind === 'truncate');
  }

  const sandbox: Sandbox = {
    provider,
    nowMs,
    faults,
    rateLimit,
    deliverer,
    exchange(request) {
      if (request.path.startsWith('/_sandbox/'))
        return { outcome: answered(handleControl(sandbox, request), undefined), end: nothing };
      const counter = `${request.method} ${pathClass(request.path)}`;
      requests[counter] = (requests[counter] ?? 0) + 1;
      const endpointClass = provider.endpointClass?.(request) ?? request.path.split('/').slice(0, 3).join('/');
      const admission = rateLimit.admit(endpointClass);
      if (!admission.admitted) return { outcome: answered(refuse(admission.refusal), admission.budget), end: nothing };
      return { outcome: meet(request, admission.budget), end: rateLimit.release };
    },
    requests: () => ({ ...requests }),
    mutate(count = 1) {
      const all: SandboxDelivery[] = [];
      for (let i = 0; i < count; i++) all.push(...provider.mutate());
      deliverer.send(all);
      return all;
    },
    live(perSecond) {
      clearInterval(timer);
      timer = undefined;
      if (perSecond <= 0) return;
      const tickMs = Math.max(20, 1000 / perSecond);
      let owed = 0;
      timer = setInterval(() => {
        owed += (perSecond * tickMs) / 1000;
        const whole = Math.floor(owed);
        owed -= whole;
        if (whole > 0) sandbox.mutate(whole);
      }, tickMs);
      timer.unref();
    },
    reset() {
      sandbox.live(0);
      provider.reset?.();
      faults.set([]);
      rateLimit.set({});
      rateLimit.resetCounters();
      requests = {};
    },
    close() {
      sandbox.live(0);
      deliverer.stop();
    },
  };
  return sandbox;

  function refuse(refusal: Parameters<NonNullable<SandboxProvider['rateLimited']>>[0]): SandboxAnswer {
    return (
      provider.rateLimited?.(refusal) ?? {
        status: 429,
        headers: { 'retry-after': String(Math.ceil(refusal.retryAfterMs / 1000)) },
        body: '{"error":"rate limited"}',
      }
    );
  }
}
