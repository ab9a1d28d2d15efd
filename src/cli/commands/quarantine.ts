import { Command, InvalidArgumentError } from 'commander';
import type { Engine } from '../../engine/engine.ts';
import type { QuarantinedRecord, QuarantineFilter } from '../../engine/proof.ts';
import { ConfigError } from '../../errors.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { withProject } from '../open.ts';
import { formatTable } from '../table.ts';

export const quarantine: DefineCommand = (cli) =>
  new Command('quarantine')
    .description('records that could not be stored: why, what they said, and another try')
    .addCommand(list(cli))
    .addCommand(show(cli))
    .addCommand(retry(cli))
    .addCommand(drop(cli));

const list: DefineCommand = (cli) =>
  new Command('list')
    .description('every record that waits for a person, newest first')
    .argument('[app_key]', 'only of this app')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string | undefined, options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        const records = await recordsOf(engine, appKey);
        if (options.json === true) return cli.out.json({ records });
        if (records.length === 0) return cli.out.print('Nothing is in quarantine.');
        cli.out.print(
          formatTable(
            ['id', 'app', 'collection', 'object', 'tries', 'reason'],
            records.map((one) => [
              String(one.id),
              one.app_key,
              one.collection_key,
              one.external_id ?? '(no id)',
              one.attempts,
              one.reason.slice(0, 80),
            ]),
          ),
        );
        cli.out.print('\nsupasaasy quarantine show <id> prints the record; retry <id> tries to store it again.');
      });
    });

const show: DefineCommand = (cli) =>
  new Command('show')
    .description('one record with its reason and its text as it came')
    .argument('<id>', 'as "quarantine list" prints it', parseId)
    .option('--json', 'print one JSON object and nothing else')
    .action(async (id: number, options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        const [record] = await engine.proof.listQuarantine({ ids: [id], raw: true, resolved: true });
        if (record === undefined) throw new ConfigError(`there is no record ${id} in quarantine`);
        if (options.json === true) return cli.out.json(record);
        const { raw, ...rest } = record;
        cli.out.print(
          Object.entries(rest)
            .filter(([, value]) => value !== null)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n'),
        );
        cli.out.print(`\n${raw}`);
      });
    });

const retry: DefineCommand = (cli) =>
  new Command('retry')
    .description('store records from their text, without asking the provider')
    .argument('[ids...]', 'as "quarantine list" prints them; none: all', collectIds)
    .option('--app <app_key>', 'only of this app')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (ids: number[] | undefined, options: { app?: string; json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        const records = await recordsOf(engine, options.app, ids);
        const results: { id: number; state: string; reason?: string | undefined }[] = (ids ?? [])
          .filter((id) => !records.some((record) => Number(record.id) === id))
          .map((id) => ({
            id,
            state: 'refused',
            reason: 'no such record is in quarantine; "quarantine list" shows them',
          }));
        for (const record of records) results.push(await retryOne(engine, record));
        const stored = results.filter(({ state }) => state === 'stored').length;
        cli.exitCode = stored === results.length ? EXIT.ok : EXIT.failed;
        if (options.json === true) return cli.out.json({ stored, refused: results.length - stored, records: results });
        for (const { id, state, reason } of results)
          if (state === 'refused') cli.out.print(`${id} is refused: ${reason}`);
        cli.out.print(`${stored} of ${results.length} records were stored`);
      });
    });

const drop: DefineCommand = (cli) =>
  new Command('drop')
    .description('give records up; their text stays in the table, marked as settled')
    .argument('<ids...>', 'as "quarantine list" prints them', collectIds)
    .option('--json', 'print one JSON object and nothing else')
    .action(async (ids: number[], options: { json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        const dropped = Number(await engine.proof.dropQuarantine(ids));
        if (dropped < ids.length) cli.exitCode = EXIT.failed;
        if (options.json === true) return cli.out.json({ dropped });
        cli.out.print(`${dropped} of ${ids.length} records were given up`);
      });
    });

async function recordsOf(engine: Engine, appKey?: string, ids?: readonly number[]) {
  const filter: QuarantineFilter = {
    ...(appKey === undefined ? {} : { app_key: engine.app(appKey).key }),
    ...(ids === undefined || ids.length === 0 ? {} : { ids }),
  };
  return await engine.proof.listQuarantine(filter);
}

async function retryOne(engine: Engine, record: QuarantinedRecord) {
  const app = engine.app(record.app_key);
  const resource = Object.values(app.config.connector.resources).find(
    ({ collection }) => collection === record.collection_key,
  );
  if (resource === undefined)
    return { id: record.id, state: 'refused' as const, reason: `no resource fills ${record.collection_key} any more` };
  const spec = { ...app.spec(resource.name), partial: false };
  const result = await engine.proof.retryQuarantine(record.id, spec, app.config.on_delete === 'purge');
  return { id: record.id, state: result.state, reason: result.reason };
}

function parseId(text: string): number {
  const id = Number(text);
  if (!Number.isSafeInteger(id) || id < 1)
    throw new InvalidArgumentError('must be a number, as "quarantine list" prints it');
  return id;
}

function collectIds(text: string, before: readonly number[] = []): number[] {
  return [...before, parseId(text)];
}
