import type { App } from '../../engine/app.ts';
import { formatDuration } from '../../engine/format-duration.ts';
import type { Ports } from '../../engine/ports.ts';
import { ask } from '../../engine/sync/ask.ts';
import {
  AuthenticationError,
  describeError,
  NotFoundError,
  PermissionError,
  RequestRefusedError,
} from '../../errors.ts';
import { probeRequest } from '../../kit/probe-request.ts';
import type { Resource } from '../../kit/resource.ts';
import type { Finding } from './finding.ts';

/** A signature older than five minutes is refused: half of that is worth a word. */
const SKEW_MS = 150_000;
const AT_A_TIME = 4;

/** The key works, may read every resource that is synced, and the clocks agree. */
export async function checkProvider(app: App, ports: Ports, signal: AbortSignal): Promise<Finding[]> {
  const { title } = app.config.connector.metadata;
  const probed = await probe(app, ports, signal);
  if ('finding' in probed) return [probed.finding];
  const findings: Finding[] = [
    { check: 'key', level: 'ok', app_key: app.key, message: `${title} accepts the key in ${app.config.apiKeyEnv}` },
  ];
  if (Math.abs(probed.skewMs) > SKEW_MS)
    findings.push({
      check: 'clock',
      level: 'error',
      app_key: app.key,
      message: `this machine's clock is ${formatDuration(Math.abs(probed.skewMs))} off ${title}'s: signatures of webhooks will be refused`,
      remedy: 'let this machine follow a time server (NTP)',
    });
  const listed = app.config.resources
    .map((name) => app.config.connector.resources[name])
    .filter((resource): resource is Resource => resource?.list !== undefined);
  const refused: Finding[] = [];
  for (let at = 0; at < listed.length; at += AT_A_TIME) {
    const batch = listed.slice(at, at + AT_A_TIME);
    refused.push(...(await Promise.all(batch.map((resource) => checkResource(app, resource, ports, signal)))).flat());
  }
  return [
    ...findings,
    ...(refused.length > 0
      ? refused
      : [
          {
            check: 'permission',
            level: 'ok',
            app_key: app.key,
            message: `it may read all ${listed.length} lists`,
          } as const,
        ]),
  ];
}

async function probe(app: App, ports: Ports, signal: AbortSignal): Promise<{ skewMs: number } | { finding: Finding }> {
  try {
    const answer = await ask(app, app.config.connector.probe, ports, signal);
    const now = ports.now();
    return { skewMs: now < answer.version ? now - answer.version : Math.max(0, now - answer.versionUntil) };
  } catch (error) {
    if (error instanceof PermissionError || error instanceof NotFoundError) return { skewMs: 0 };
    const remedy =
      error instanceof AuthenticationError
        ? `put a valid key into ${app.config.apiKeyEnv}, then: supasaasy resume ${app.key}`
        : 'see whether this machine reaches the provider, and whether base_url is right';
    return { finding: { check: 'key', level: 'error', app_key: app.key, message: describeError(error), remedy } };
  }
}

/** A request without any effect shows whether the list may be read. */
async function checkResource(app: App, resource: Resource, ports: Ports, signal: AbortSignal): Promise<Finding[]> {
  const known = { check: 'permission', app_key: app.key, resource: resource.name } as const;
  const request = probeRequest(app.config.connector, resource);
  if (request === undefined)
    return [
      {
        ...known,
        level: 'warning',
        message: `"${resource.name}" was not tried: its list cannot be asked for without an effect at the provider`,
        remedy: 'a sync shows whether the key may read it',
      },
    ];
  try {
    await ask(app, request, ports, signal);
    return [];
  } catch (error) {
    if (error instanceof PermissionError)
      return [
        {
          ...known,
          level: 'error',
          message: `the key in ${app.config.apiKeyEnv} may not read "${resource.name}"`,
          remedy: `give the key this permission, or leave "${resource.name}" out of config.sync_resources of ${app.key}`,
        },
      ];
    // Refused as a whole, or unknown in this account: what a sync does about it is its own affair.
    if (error instanceof RequestRefusedError && resource.list?.fallback !== undefined) return [];
    return [
      {
        ...known,
        level: 'warning',
        message: `"${resource.name}" could not be tried: ${describeError(error)}`,
        remedy: 'run doctor again; if it stays, a sync will fail for this resource only',
      },
    ];
  }
}
