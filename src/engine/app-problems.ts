import type { AppStatus } from './app-status.ts';

/** Something that needs a person, and the command that mends it. */
export interface Problem {
  readonly message: string;
  readonly remedy: string;
}

/** What the database knows to be wrong with an app. */
export function problemsOf(app: AppStatus): Problem[] {
  const problems: Problem[] = [];
  const key = app.app_key;
  if (app.paused_at !== null)
    problems.push({
      message: `${key} is paused: ${app.pause_reason}`,
      remedy: `mend that, then: supasaasy resume ${key}`,
    });
  for (const mode of ['full', 'incremental'] as const) {
    const run = app.runs[mode];
    if (run?.status !== 'failed') continue;
    const refused = /mass[-_ ]delet/i.test(run.error ?? '');
    problems.push({
      message: `${key}: the last ${mode} run failed: ${run.error}`,
      remedy: refused
        ? `if so many are really gone: supasaasy sync ${key} --mode full --allow-mass-delete`
        : `supasaasy sync ${key} --mode ${mode}`,
    });
  }
  if (app.dead_deliveries > 0)
    problems.push({
      message: `${key}: ${app.dead_deliveries} webhook deliveries could not be processed`,
      remedy: `see them: supasaasy webhooks list ${key} --state dead; try again: supasaasy webhooks replay ${key} --state dead`,
    });
  if (app.quarantined > 0)
    problems.push({
      message: `${key}: ${app.quarantined} records could not be stored`,
      remedy: 'see them: supasaasy quarantine list; after the cause is mended: supasaasy quarantine retry',
    });
  for (const schedule of app.schedules.filter((each) => each.error !== null))
    problems.push({
      message: `${key}: the schedule "${schedule.cron}" (${schedule.mode}) could not start its run: ${schedule.error}`,
      remedy: `supasaasy sync ${key} --mode ${schedule.mode}`,
    });
  return problems;
}
