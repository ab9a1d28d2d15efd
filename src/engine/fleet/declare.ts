import type { Config } from '../../config.ts';
import type { Database } from '../database.ts';
import { feedDeclarations } from '../feed/declare-feed.ts';
import { toDeclaredSchedules } from '../occurrences.ts';
import type { Log } from '../ports.ts';

/** Two deployments over one database that say different things of one app or consumer. */
export interface DeploymentConflict {
  readonly subject: string;
  readonly about: 'schedules' | 'history' | 'consumer' | 'access';
  readonly deployments: readonly [string, string];
}

/** The name of a deployment whose configuration gives it none, and whose platform derives none. */
export const DEFAULT_DEPLOYMENT = 'main';

/** What a deployment tells the database about its configuration. */
export function declaredBy(config: Pick<Config, 'apps' | 'auth' | 'consumers' | 'schedules'>) {
  const { consumers, history } = feedDeclarations(config);
  return {
    apps: config.apps.map((app) => ({
      app_key: app.app_key,
      name: app.name,
      connector: app.connector.metadata.name,
    })),
    schedules: toDeclaredSchedules(config),
    history,
    consumers,
    auth: config.auth.enabled,
  };
}

/**
 * Declares apps, schedules, histories, consumers and access under the deployment's name, and says in the log where another
 * deployment over the same database differs. Only what runs or installs a deployment calls this; what reads does not.
 */
export async function declareDeployment(
  database: Pick<Database, 'call'>,
  name: string,
  config: Pick<Config, 'apps' | 'auth' | 'consumers' | 'schedules'>,
  options: { readonly host?: string | undefined; readonly log: Log },
): Promise<readonly DeploymentConflict[]> {
  const conflicts = await database.call<readonly DeploymentConflict[]>('declare_deployment', {
    name,
    declared: declaredBy(config),
    host: options.host ?? null,
  });
  for (const conflict of conflicts) options.log('warn', describeConflict(conflict));
  return conflicts;
}

export function describeConflict({ subject, about, deployments: [one, other] }: DeploymentConflict): string {
  const what =
    about === 'access' ? subject : about === 'consumer' ? `the consumer ${subject}` : `the ${about} of ${subject}`;
  return `the deployments "${one}" and "${other}" over this database declare ${what} differently: both are in force together`;
}

/** What to do about it. */
export function remedyOf({ deployments: [one, other] }: DeploymentConflict): string {
  return `let both configurations say the same, or give them the same "deployment"; when one is gone: supasaasy migrate --retire ${one === 'before-deployments' ? one : other}`;
}
