import { MissingSecretError } from '../errors.ts';
import type { Project } from '../runtime/node/project.ts';
import type { Cli } from './command.ts';

/**
 * Names each app that this process cannot work for, with the variable that it lacks. Throws `MissingSecretError` when
 * there is nothing else for it to do: no other app, no consumer, and (`serves`) no webhook that it could verify.
 */
export function reportUnfit(cli: Cli, { engine, config }: Project, serves: boolean): readonly string[] {
  const apps = [...engine.apps.values()];
  const unfit = apps.flatMap((app) => engine.fitness.reasonAgainst(app) ?? []);
  const lacking = serves ? apps.flatMap((app) => app.secretProblems().map(({ message }) => message)) : unfit;
  const idle = unfit.length === apps.length && config.consumers.length === 0;
  if (unfit.length > 0 && idle && !(serves && apps.some((app) => app.webhookSecrets().length > 0)))
    throw new MissingSecretError(`no app has its key here, so this process has nothing to do. ${unfit.join('; ')}`);
  for (const message of lacking) cli.out.note(`${cli.out.yellow('warning')}: ${message} (see "supasaasy doctor")`);
  return unfit;
}
