import { Command } from 'commander';
import { formatDuration } from '../../engine/format-duration.ts';
import type { RunOptions, SyncMode } from '../../engine/store.ts';
import { type Preview, previewRun } from '../../engine/sync/preview.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { expectRows } from '../expect-rows.ts';
import { withProject } from '../open.ts';
import { collect, parsePositive, parseWord } from '../parse.ts';
import { createProgress } from '../progress.ts';
import { exitCodeOf, runSync, type SyncOutcome } from '../run-sync.ts';
import { formatTable } from '../table.ts';

interface SyncOptions {
  readonly mode: SyncMode;
  readonly resource?: string[];
  readonly limit?: number;
  readonly dryRun?: boolean;
  readonly allowMassDelete?: boolean;
  readonly json?: boolean;
}

export const sync: DefineCommand = (cli) =>
  new Command('sync')
    .description(
      'mirror an app: creates a run, or goes on with an unfinished one of the same wish, and works it to its end',
    )
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option(
      '--mode <mode>',
      'incremental: what changed since the last run; full: every object, and deletions are found',
      parseWord(['full', 'incremental']),
      'incremental',
    )
    .option(
      '--resource <names>',
      'only these resources (repeat it, or use commas); nested ones come with their parent',
      collect,
    )
    .option('--limit <records>', 'at most so many records of each resource; such a run deletes nothing', parsePositive)
    .option('--dry-run', 'read everything, write nothing, and say what would be done')
    .option('--allow-mass-delete', 'let this run delete more than the configured share of a resource')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', '\nExit code 0 only when the run completed. A killed run goes on with the same command.')
    .action(async (appKey: string, options: SyncOptions, command: Command) => {
      const signal = cli.interruptible();
      const progress = createProgress(cli.out);
      const wish: RunOptions = {
        ...(options.resource === undefined ? {} : { resources: [...new Set(options.resource)].sort() }),
        ...(options.limit === undefined ? {} : { limit: options.limit }),
        ...(options.allowMassDelete === true ? { allow_mass_delete: true } : {}),
      };
      const open = {
        onPage: progress.onPage,
        access: options.dryRun === true ? 'check' : 'work',
      } as const;
      await withProject(cli, command.optsWithGlobals(), open, async ({ engine, database }) => {
        engine.app(appKey).account();
        if (options.dryRun === true) {
          const preview = await previewRun(engine, appKey, options.mode, wish, signal).finally(progress.stop);
          cli.exitCode = preview.errors.length === 0 ? EXIT.ok : EXIT.failed;
          if (options.json === true) cli.out.json(preview);
          else cli.out.print(describePreview(preview));
          return;
        }
        if (options.mode === 'full') await expectRows(cli, { engine, database }, appKey, wish, progress, signal);
        const outcome = await runSync(engine, appKey, options.mode, { ...wish, signal }).finally(progress.stop);
        cli.exitCode = exitCodeOf(outcome);
        if (options.json === true) cli.out.json(outcome);
        else {
          cli.out.print(describeOutcome(outcome));
          const refused = outcome.passes.filter((pass) => pass.state === 'refused');
          for (const { note } of refused) cli.out.print(`${note}`);
          for (const { resource, problem } of outcome.passes)
            if (problem !== null) cli.out.print(`${resource}: the certificate does not hold: ${problem}`);
          if (outcome.status === 'completed') return;
          cli.out.note(`${cli.out.red('error')}: ${whyNot(outcome)}`);
        }
      });
    });

const COLUMNS = ['created', 'updated', 'unchanged', 'archived', 'deleted', 'errors', 'pages', 'requests'] as const;

export function describeOutcome(
  outcome: Pick<SyncOutcome, 'resources' | 'app_key' | 'mode' | 'status' | 'duration_ms' | 'run_id'>,
): string {
  const rows = Object.entries(outcome.resources).map(([name, counts]) => [
    name,
    ...COLUMNS.map((column) => Number(counts[column] ?? 0)),
  ]);
  const table = rows.length === 0 ? '' : `${formatTable(['resource', ...COLUMNS], rows)}\n\n`;
  return `${table}${outcome.app_key}: ${outcome.mode} sync ${outcome.status} in ${formatDuration(outcome.duration_ms)} (run ${outcome.run_id})`;
}

/** What it was, and what to do. */
export function whyNot(outcome: SyncOutcome): string {
  const { app_key, mode, status, error } = outcome;
  if (status === 'interrupted') return `interrupted; the same command goes on where it stopped`;
  if (status === 'paused')
    return `${app_key} is paused, for the reason above: mend that, then run the same command again`;
  if (status === 'refused')
    return `${app_key}: ${error}\nThis key is not the one that worked last, so the app is not paused: processes with the other key go on. Put the right key into .env, then run the same command again.`;
  if (status === 'running') return 'another worker has its last tasks; "supasaasy status" tells how it goes';
  return `${app_key}: the ${mode} sync ${status}: ${error ?? 'no reason was given'}\nWhat could be read is stored. Mend what is said above, then run the same command again.`;
}

function describePreview(preview: Preview): string {
  const rows = Object.entries(preview.resources).map(([name, counts]) => [
    name,
    ...(['records', 'created', 'updated', 'unchanged', 'archived', 'to_read', 'deleted', 'errors'] as const).map(
      (column) => counts[column],
    ),
  ]);
  const head = ['resource', 'records', 'create', 'update', 'unchanged', 'archive', 'read again', 'delete', 'errors'];
  return [
    formatTable(head, rows),
    '',
    `${preview.app_key}: the ${preview.mode} sync would do this. Nothing was written (${preview.requests} requests, ${formatDuration(preview.duration_ms)}).`,
    ...preview.notes,
    ...preview.errors.map((error) => `error: ${error}`),
  ].join('\n');
}
