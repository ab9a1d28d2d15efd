import process from 'node:process';
import { describeError } from '../errors.ts';
import type { Project } from '../runtime/node/project.ts';
import type { Cli } from './command.ts';
import { formatCount } from './table.ts';

const LOOK_EVERY_MS = 1_000;
const PLAIN_EVERY_MS = 30_000;

interface Latest {
  readonly changes: string;
  readonly deliveries: string;
  readonly collection_key: string | null;
  readonly external_id: string | null;
  readonly operation: string | null;
}

/** One line that tells how rows follow: redrawn on a screen, said now and then elsewhere. */
export function watchChanges(
  cli: Cli,
  { database, engine }: Project,
  signal: AbortSignal,
): { begin(): void; ended(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  async function watch(): Promise<void> {
    const [first] = await database.query<{ seq: string }>('select coalesce(max(seq), 0) as seq from supasaasy.changes');
    const [inbox] = await database.query<{ id: string }>('select coalesce(max(id), 0) as id from supasaasy.inbox');
    let saidAt = engine.ports.monotonic();
    while (!signal.aborted) {
      await engine.ports.sleep(LOOK_EVERY_MS, signal);
      const plain = !cli.out.interactive;
      if (signal.aborted || (plain && engine.ports.monotonic() - saidAt < PLAIN_EVERY_MS)) continue;
      saidAt = engine.ports.monotonic();
      const [now] = await database.query<Latest>(
        `select (select count(*) from supasaasy.changes where seq > $1) as changes, (select count(*) from supasaasy.inbox where id > $2) as deliveries,
           c.collection_key, c.external_id, c.operation
         from (select 1) x left join lateral (select * from supasaasy.changes where seq > $1 order by seq desc limit 1) c on true`,
        [first?.seq ?? 0, inbox?.id ?? 0],
      );
      if (now === undefined) continue;
      const last =
        now.collection_key === null ? '' : `, last: ${now.operation} ${now.collection_key} ${now.external_id}`;
      const text = `${formatCount(Number(now.deliveries))} webhooks, ${formatCount(Number(now.changes))} changes${last}`;
      if (plain) cli.out.note(text);
      else process.stderr.write(`\r\u001b[2K${cli.out.dim(text.slice(0, cli.out.columns - 1))}`);
    }
    if (cli.out.interactive) process.stderr.write('\n');
  }
  return {
    begin() {
      running = watch().catch((error: unknown) => cli.out.note(`the view of changes ended: ${describeError(error)}`));
    },
    ended: () => running,
  };
}
