import type { App } from '../app.ts';
import type { Engine } from '../engine.ts';

/** Most checks in a second: a flood of forged deliveries costs no more. */
const CHECKS_A_SECOND = 10;

/** Whether a delivery that fits no secret of its app fits one of another app: two endpoints are mixed up. */
export function createOthersCheck({
  apps,
  ports,
}: Pick<Engine, 'apps' | 'ports'>): (app: App, body: Uint8Array, headers: Headers) => Promise<boolean> {
  let until = Number.NEGATIVE_INFINITY;
  let left = 0;
  return async (app, body, headers) => {
    const now = ports.monotonic();
    if (now >= until) {
      until = now + 1000;
      left = CHECKS_A_SECOND;
    }
    if (left <= 0) return false;
    left -= 1;
    const { connector } = app.config;
    const secrets = [...apps.values()]
      .filter((other) => other !== app && other.config.connector.metadata.name === connector.metadata.name)
      .flatMap((other) => other.webhookSecrets());
    if (secrets.length === 0) return false;
    return (await connector.webhook.verify({ body, headers }, secrets, ports.now())).ok;
  };
}
