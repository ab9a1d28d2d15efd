import type { App } from '../../engine/app.ts';
import type { Ports } from '../../engine/ports.ts';
import { shownUrl } from '../../engine/shown-url.ts';
import type { AppStatus } from '../../engine/status.ts';
import { describeError } from '../../errors.ts';
import type { Finding } from './finding.ts';

/** Is there an endpoint that calls us; where the provider does not tell, has anything ever arrived. */
export async function checkWebhook(app: App, status: AppStatus | undefined, ports: Ports): Promise<Finding> {
  const known = { check: 'webhook', app_key: app.key } as const;
  const { registration, metadata } = app.config.connector;
  const register = `supasaasy webhooks register ${app.key} --url https://<where this is served>`;
  if (registration === undefined) {
    return status?.last_delivery_at == null
      ? {
          ...known,
          level: 'warning',
          message: `${metadata.title} has never delivered a webhook`,
          remedy: `add the endpoint https://<where this is served>/webhook/${app.key} in its settings by hand (${metadata.docs})`,
        }
      : { ...known, level: 'ok', message: `the last webhook arrived at ${status.last_delivery_at}` };
  }
  try {
    const endpoints = await registration.list({ account: app.account(), fetch: ports.fetch });
    const ours = endpoints.filter(({ url }) => url.endsWith(`/webhook/${app.key}`));
    const enabled = ours.find((endpoint) => endpoint.status === 'enabled');
    if (enabled !== undefined)
      return { ...known, level: 'ok', message: `${metadata.title} calls ${shownUrl(enabled.url)}` };
    return {
      ...known,
      level: 'warning',
      message:
        ours.length > 0
          ? `the endpoint ${shownUrl(ours[0]?.url ?? '')} is ${ours[0]?.status}`
          : `${metadata.title} has no endpoint that calls /webhook/${app.key}`,
      remedy: register,
    };
  } catch (error) {
    return {
      ...known,
      level: 'warning',
      message: `the endpoints cannot be read: ${describeError(error)}`,
      remedy: register,
    };
  }
}
