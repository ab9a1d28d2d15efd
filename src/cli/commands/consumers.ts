import { Command, InvalidArgumentError } from 'commander';
import type { ConsumerStatus, DeadLetter } from '../../engine/feed/feed-store.ts';
import { formatDuration } from '../../engine/format-duration.ts';
import { ConfigError, RequestRefusedError } from '../../errors.ts';
import { findDoor } from '../../runtime/node/door.ts';
import { FolderInUseError } from '../../runtime/node/folder-lock.ts';
import type { Cli, DefineCommand, GlobalOptions } from '../command.ts';
import { createFeedDesk, type FeedDesk } from '../feed-desk.ts';
import { withProject } from '../open.ts';
import { parsePositive } from '../parse.ts';
import { formatCount, formatTable } from '../table.ts';

export const consumers: DefineCommand = (cli) =>
  new Command('consumers')
    .description('who reads the change feed, how far they are, and what they gave up')
    .addCommand(list(cli))
    .addCommand(show(cli))
    .addCommand(pause(cli))
    .addCommand(resume(cli))
    .addCommand(seek(cli))
    .addCommand(deadLetters(cli))
    .addCommand(redrive(cli));

/** With the feed, wherever its database is, and an answer in JSON or in words. */
function withFeed<Options extends { json?: boolean }, T>(
  cli: Cli,
  act: (feed: FeedDesk, options: Options, name: string, more: string) => Promise<T>,
  tell: (result: T, name: string, more: string) => string,
) {
  return async (...args: unknown[]) => {
    const command = args.at(-1) as Command;
    const options = args.at(-2) as Options;
    const [name, more] = [args[0], args[1]].map((arg) => (typeof arg === 'string' ? arg : '')) as [string, string];
    const result = await atDesk(cli, command.optsWithGlobals(), (feed) => act(feed, options, name, more));
    if (options.json === true) cli.out.json(result);
    else cli.out.print(tell(result, name, more));
  };
}

/** The database itself; or, where another process has it, that process. */
async function atDesk<T>(cli: Cli, globals: GlobalOptions, use: (feed: FeedDesk) => Promise<T>): Promise<T> {
  try {
    return await withProject(cli, globals, {}, async ({ engine }) => await use(engine.feed.store));
  } catch (error) {
    const door = error instanceof FolderInUseError ? findDoor(error.folder) : undefined;
    if (door === undefined) throw error;
    return await use(createFeedDesk(door));
  }
}

const named = (name: string, description: string) =>
  new Command(name)
    .description(description)
    .argument('<consumer>', 'its name')
    .option('--json', 'print one JSON object and nothing else');

const list: DefineCommand = (cli) =>
  new Command('list')
    .description('all consumers, with their lag')
    .option('--json', 'print one JSON object and nothing else')
    .action(
      withFeed(
        cli,
        (store) => store.status(null),
        (all) =>
          all.length === 0
            ? 'no consumers: add some to "consumers" in supasaasy.config.ts (docs/consumers.md)'
            : formatTable(
                ['consumer', 'reads', 'state', 'waiting', 'oldest', 'held', 'dead letters'],
                all.map((one) => [
                  one.name,
                  sourceOf(one),
                  stateOf(one),
                  lagOf(one),
                  ageOf(one),
                  one.held + one.blocked,
                  one.dead_letters,
                ]),
              ),
      ),
    );

const show: DefineCommand = (cli) =>
  named('show', 'everything about one consumer').action(
    withFeed(
      cli,
      async (store, _options, name) => (await store.status(name))[0] as ConsumerStatus,
      (one) =>
        [
          `${one.name}: reads ${sourceOf(one)}, ${stateOf(one)}`,
          ...(one.pause_reason === null ? [] : [`paused because: ${one.pause_reason}`]),
          ...(one.failing_since === null ? [] : [`nothing but failures since ${one.failing_since}`]),
          `waiting: ${lagOf(one)} changes, the oldest for ${ageOf(one)}; ${one.in_flight} in the hands of ${one.readers} readers (at most ${one.parallel})`,
          `held back by a failure: ${one.held} entities; for a person: ${one.blocked}; dead letters: ${one.dead_letters}`,
          ...(one.lost === 0
            ? []
            : [`lost: ${formatCount(one.lost)} changes were removed from the feed before they were read`]),
          ...(one.stats.length === 0
            ? []
            : [
                '',
                formatTable(
                  ['type', 'processed', 'errors', 'dead', 'mean'],
                  one.stats.map((stat) => [
                    stat.type,
                    stat.processed,
                    stat.errors,
                    stat.dead,
                    formatDuration((1000 * stat.seconds) / Math.max(1, stat.processed + stat.errors)),
                  ]),
                ),
              ]),
        ].join('\n'),
    ),
  );

const pause: DefineCommand = (cli) =>
  named('pause', 'take no more changes; the place is kept')
    .option('--reason <text>', 'why, for those who look')
    .action(
      withFeed<{ json?: boolean; reason?: string }, { paused: boolean }>(
        cli,
        async (store, { reason }, name) => ({ paused: await store.pause(name, reason ?? null) }),
        (_result, name) => `${name} is paused; "supasaasy consumers resume ${name}" lets it go on where it is`,
      ),
    );

const resume: DefineCommand = (cli) =>
  named('resume', 'let a paused consumer go on where it is').action(
    withFeed(
      cli,
      async (store, _options, name) => ({ resumed: await store.resume(name) }),
      (_result, name) => `${name} goes on`,
    ),
  );

const seek: DefineCommand = (cli) =>
  named('seek', 'move a consumer: to the start of the feed, to now, or to a time')
    .argument('<to>', '"start", "now", or a time like 2026-01-31T12:00:00Z', parsePlace)
    .action(
      withFeed(
        cli,
        (feed, _options, name, to) => feed.seek(name, to),
        (_result, name, to) => `${name} goes on at ${to === 'start' ? 'the start of the feed' : to}`,
      ),
    );

const deadLetters: DefineCommand = (cli) =>
  named('dead-letters', 'what a consumer gave up, the newest first')
    .option('--limit <number>', 'at most', parsePositive, 20)
    .action(
      withFeed<{ json?: boolean; limit: number }, readonly DeadLetter[]>(
        cli,
        (store, { limit }, name) => store.deadLetters(name, limit, null),
        (letters, name) =>
          letters.length === 0
            ? `${name} gave up nothing`
            : formatTable(
                ['id', 'at', 'type', 'entity', 'attempts', 'error'],
                letters.map((one) => [
                  String(one.id),
                  one.created_at.slice(0, 19),
                  one.change.type ?? '',
                  one.entity,
                  one.attempts,
                  one.error.slice(0, 80),
                ]),
              ),
      ),
    );

const redrive: DefineCommand = (cli) =>
  named('redrive', 'hand dead letters to the consumer once more')
    .option('--id <id...>', 'these (see dead-letters)', parseIds)
    .option('--entity <entity>', 'those of one entity')
    .option('--all', 'all of them')
    .action(
      withFeed<{ json?: boolean; id?: number[]; entity?: string; all?: boolean }, { redriven: number }>(
        cli,
        async (store, { id, entity, all }, name) => {
          if (id === undefined && entity === undefined && all !== true)
            throw new ConfigError('say which: --id, --entity or --all');
          const redriven = await store.redrive(name, id ?? null, entity ?? null);
          if (redriven === 0 && all !== true)
            throw new RequestRefusedError(
              `${name} has no dead letter ${id?.join(', ') ?? `of ${entity}`}: "supasaasy consumers dead-letters ${name}" lists them`,
            );
          return { redriven };
        },
        ({ redriven }, name) => `${formatCount(redriven)} dead letters go to ${name} once more`,
      ),
    );

const sourceOf = (one: ConsumerStatus) => {
  const parts = Object.entries(one.filter).map(([key, values]) => `${key}: ${values.join(', ')}`);
  return `${one.topic ?? 'changes'}${parts.length === 0 ? '' : ` (${parts.join('; ')})`}`;
};
const stateOf = (one: ConsumerStatus) =>
  one.paused_at !== null
    ? 'paused'
    : one.lag.late
      ? 'late'
      : one.failing_since !== null
        ? 'failing'
        : one.active
          ? 'active'
          : 'not in the config';
const lagOf = (one: ConsumerStatus) => `${formatCount(one.lag.changes)}${one.lag.more ? ' or more' : ''}`;
const ageOf = (one: ConsumerStatus) => (one.lag.changes === 0 ? '–' : formatDuration(1000 * one.lag.seconds));

const parseIds = (text: string, before: readonly number[] = []) => [...before, parsePositive(text)];

function parsePlace(text: string): string {
  if (text === 'start' || text === 'now') return text;
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('"start", "now", or a time like 2026-01-31T12:00:00Z');
  return at.toISOString();
}
