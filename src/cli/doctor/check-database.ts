import type { Config } from '../../config.ts';
import type { SqlDatabase } from '../../engine/database.ts';
import { formatDuration } from '../../engine/format-duration.ts';
import { configuredMigrations, type Project, pendingMigrations } from '../../runtime/node/project.ts';
import type { Finding } from './finding.ts';

const OLDEST_POSTGRES = 15;
const SKEW_MS = 30_000;

/** Reachable, new enough, migrated, and with our idea of the time. */
export async function checkDatabase({ config, database, engine }: Project): Promise<Finding[]> {
  const findings: Finding[] = [];
  const asked = engine.ports.now();
  const [row] = await database.query<{ version: string; now_ms: string }>(
    "select current_setting('server_version_num') as version, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms",
  );
  const major = Math.floor(Number(row?.version ?? 0) / 10_000);
  findings.push(
    major >= OLDEST_POSTGRES
      ? { check: 'database', level: 'ok', message: `PostgreSQL ${major} answers` }
      : {
          check: 'database',
          level: 'error',
          message: `PostgreSQL ${major} is too old`,
          remedy: `use PostgreSQL ${OLDEST_POSTGRES} or newer`,
        },
  );
  const skew = Number(row?.now_ms ?? asked) - asked;
  if (Math.abs(skew) > SKEW_MS)
    findings.push({
      check: 'clock',
      level: 'warning',
      message: `the database's clock is ${formatDuration(Math.abs(skew))} off this machine's`,
      remedy: 'let both follow a time server (NTP)',
    });
  findings.push(await checkMigrations(config, database));
  return findings;
}

async function checkMigrations(config: Config, database: SqlDatabase): Promise<Finding> {
  const all = await configuredMigrations(config);
  const pending = await pendingMigrations(config, database);
  const check = 'migrations';
  if (pending.length === 0) return { check, level: 'ok', message: 'every migration is applied' };
  const names = pending.map(({ source, name }) => `${source}/${name}`).join(', ');
  return {
    check,
    level: 'error',
    message:
      pending.length === all.length
        ? `none of the ${all.length} migrations is applied`
        : `${pending.length} migrations are not applied: ${names}`,
    remedy: 'supasaasy migrate (on Supabase: supasaasy migrations, then supabase db push)',
  };
}
