import type { SandboxDelivery } from '../http/provider.ts';
import type { Provoke } from './provoke.ts';
import { isObject } from './shape/contact.ts';

/** What the control routes may reach. */
export interface Controlled {
  readonly provoke: Provoke;
  setSearchLag(ms: number): void;
  expireScroll(): void;
  announce(deliveries: readonly SandboxDelivery[]): void;
}

/**
 * Control routes of this provider: `search-lag` with `{"ms": 60000}`, `expire-scroll`, and `provoke/<name>` with
 * `{"args": ["…"]}` for each function of `Provoke`, whose deliveries are sent.
 */
export function controlIntercom(controlled: Controlled, path: string, body: unknown): unknown {
  const fields = isObject(body) ? body : {};
  if (path === 'search-lag') {
    const ms = Number(fields['ms'] ?? 0);
    controlled.setSearchLag(ms);
    return { search_lag_ms: ms };
  }
  if (path === 'expire-scroll') {
    controlled.expireScroll();
    return { expired: true };
  }
  const [head, name = ''] = path.split('/');
  if (head !== 'provoke' || !Object.hasOwn(controlled.provoke, name)) return undefined;
  const act = controlled.provoke[name as keyof Provoke] as (...args: unknown[]) => unknown;
  try {
    const result = act(...(Array.isArray(fields['args']) ? fields['args'] : []));
    const deliveries = deliveriesOf(result);
    controlled.announce(deliveries);
    return {
      ...(isObject(result) && 'deliveries' in result && { id: result['id'] }),
      deliveries: deliveries.map(({ id }) => id),
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function deliveriesOf(result: unknown): readonly SandboxDelivery[] {
  if (Array.isArray(result)) return result as SandboxDelivery[];
  if (!isObject(result)) return [];
  if (Array.isArray(result['deliveries'])) return result['deliveries'] as SandboxDelivery[];
  return 'body' in result ? [result as unknown as SandboxDelivery] : [];
}
