import { Command } from 'commander';
import type { App } from '../../engine/app.ts';
import { problemsOf } from '../../engine/app-problems.ts';
import { describeRefused, isUnanswered } from '../../engine/fleet/refused.ts';
import { readFleet } from '../../engine/fleet/report.ts';
import { type AppStatus, readApps } from '../../engine/status.ts';
import { DatabaseError, describeError } from '../../errors.ts';
import type { Project } from '../../runtime/node/project.ts';
import { ADMIN_KEY_ENV, adminKeysOf } from '../admin-keys.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { checkAccount } from '../doctor/check-account.ts';
import { checkDatabase } from '../doctor/check-database.ts';
import { checkProvider } from '../doctor/check-provider.ts';
import { checkWebhook } from '../doctor/check-webhook.ts';
import type { Finding } from '../doctor/finding.ts';
import { withProject } from '../open.ts';

export const doctor: DefineCommand = (cli) =>
  new Command('doctor')
    .description(
      'find what is missing (secrets, permissions, migrations, schedules, webhook endpoints …), and say what mends it',
    )
    .option('--offline', 'ask no provider')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', '\nExit code 1 when something does not work; warnings alone are 0.')
    .action(async (options: { offline?: boolean; json?: boolean }, command: Command) => {
      const signal = cli.interruptible();
      const findings = await withProject(cli, command.optsWithGlobals(), { access: 'ignore' }, (project) =>
        examine(project, options.offline === true, signal),
      ).catch(unreachable);
      if (adminKeysOf(cli.env).length === 0)
        findings.push({
          check: 'admin',
          level: 'warning',
          message: 'the admin routes over HTTP are closed',
          remedy: `put a long random ${ADMIN_KEY_ENV} into .env`,
        });
      const worst = (['error', 'warning'] as const).find((level) => findings.some((each) => each.level === level));
      cli.exitCode = worst === 'error' ? EXIT.failed : EXIT.ok;
      if (options.json === true) return cli.out.json({ status: worst ?? 'ok', findings });
      const { out } = cli;
      const mark = { ok: out.green('✓'), warning: out.yellow('!'), error: out.red('✗') };
      for (const { level, app_key, message, remedy } of findings) {
        const about = app_key === undefined || message.startsWith(app_key) ? '' : `${app_key}: `;
        out.print(`${mark[level]} ${about}${message}`);
        if (remedy !== undefined) out.print(`    → ${remedy}`);
      }
    });

async function examine(project: Project, offline: boolean, signal: AbortSignal): Promise<Finding[]> {
  const { engine, config } = project;
  const findings: Finding[] = [];
  let statuses: readonly AppStatus[] = [];
  findings.push(...(await checkDatabase(project)));
  const migrated = !findings.some(({ check, level }) => check === 'migrations' && level === 'error');
  if (migrated) {
    statuses = (await readApps(engine.store)).apps;
    const { problems, fleet } = await readFleet(engine);
    for (const one of fleet.refused.filter((each) => !isUnanswered(each)))
      findings.push({ check: 'webhook', level: 'warning', app_key: one.app_key, ...describeRefused(one) });
    for (const { message, remedy, app_key } of problems)
      findings.push({ check: 'fleet', level: 'error', message, remedy, ...(app_key === undefined ? {} : { app_key }) });
  }
  if (config.apps.length === 0)
    findings.push({
      check: 'app',
      level: 'warning',
      message: 'no apps are declared',
      remedy: 'add one to "apps" in supasaasy.config.ts',
    });
  for (const app of engine.apps.values()) {
    const status = statuses.find((each) => each.app_key === app.key);
    findings.push(...checkSecrets(app), ...checkSchedules(app, project));
    if (!offline && app.unusableKey() === undefined) {
      const asked = await checkProvider(app, engine.ports, signal);
      findings.push(...asked);
      if (asked.every(({ check, level }) => check !== 'key' || level === 'ok')) {
        if (migrated) findings.push(...(await checkAccount(app, engine, signal)));
        findings.push(await checkWebhook(app, status, engine.ports));
      }
    }
    for (const problem of status === undefined ? [] : problemsOf(status))
      findings.push({ check: 'app', level: 'error', app_key: app.key, ...problem });
  }
  return findings;
}

/** Without a database there is nothing more to examine. */
function unreachable(error: unknown): Finding[] {
  if (!(error instanceof DatabaseError)) throw error;
  return [
    {
      check: 'database',
      level: 'error',
      message: describeError(error),
      remedy: 'mend this first, then run doctor again',
    },
  ];
}

function checkSecrets(app: App): Finding[] {
  const { apiKeyEnv, webhookSecretEnvs, connector } = app.config;
  const missing = app.secretProblems();
  const known = { check: 'secret', app_key: app.key } as const;
  if (missing.length === 0) return [{ ...known, level: 'ok', message: 'every secret is set' }];
  return missing.map(({ name, message }) => ({
    ...known,
    level: 'error' as const,
    message,
    remedy:
      name === apiKeyEnv
        ? `put the API key of ${connector.metadata.title} into .env (or the function's secrets) as ${name}`
        : connector.registration !== undefined
          ? `supasaasy webhooks register ${app.key} --url https://<where this is served> --write-env`
          : `put the secret that signs ${connector.metadata.title}'s webhooks into .env as ${webhookSecretEnvs.join(' or ')}`,
  }));
}

function checkSchedules(app: App, { config }: Project): Finding[] {
  const own = config.schedules.filter((schedule) => schedule.app_key === app.key && schedule.enabled);
  const known = { check: 'schedule', app_key: app.key } as const;
  if (own.length > 0)
    return [
      { ...known, level: 'ok', message: `scheduled: ${own.map(({ mode, cron }) => `${mode} "${cron}"`).join(', ')}` },
    ];
  return [
    {
      ...known,
      level: 'warning',
      message: 'no schedule is enabled: what a webhook misses stays missed',
      remedy: `add { app_key: '${app.key}', cron: '*/5 * * * *' } to "schedules" in supasaasy.config.ts`,
    },
  ];
}
