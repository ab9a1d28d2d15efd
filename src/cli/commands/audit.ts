import { Command } from 'commander';
import { whileBeating } from '../../engine/fleet/heartbeat.ts';
import { formatDuration } from '../../engine/format-duration.ts';
import type { AuditCounts, AuditRun, ResourceHealth } from '../../engine/proof.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { withProject } from '../open.ts';
import { collect } from '../parse.ts';
import { createProgress } from '../progress.ts';
import { formatTable } from '../table.ts';

interface AuditOptions {
  readonly resource?: string[];
  readonly repair?: boolean;
  readonly json?: boolean;
}

export const audit: DefineCommand = (cli) =>
  new Command('audit')
    .description('compare the mirror with its source, object by object, and say what differs')
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option('--resource <names>', 'only these resources (repeat it, or use commas)', collect)
    .option('--repair', 'bring what differs in order')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', '\nExit code 0 only when nothing differed. Uses what the rate limit leaves over.')
    .action(async (appKey: string, options: AuditOptions, command: Command) => {
      const signal = cli.interruptible();
      const progress = createProgress(cli.out);
      await withProject(
        cli,
        command.optsWithGlobals(),
        { onPage: progress.onPage, access: 'work' },
        async ({ engine }) => {
          engine.app(appKey).account();
          const wish = {
            ...(options.resource === undefined ? {} : { resources: [...new Set(options.resource)].sort() }),
            ...(options.repair === true ? { repair: true as const } : {}),
            trigger: 'cli',
            signal,
          };
          const run = await whileBeating(engine, 'audit', () => engine.audit(appKey, wish)).finally(progress.stop);
          const paused = run.state === 'running' ? await engine.proof.pauseReason(appKey) : null;
          const unfit = run.state === 'running' ? engine.fitness.reasonAgainst(engine.app(appKey)) : undefined;
          const error = paused === null ? (unfit ?? run.error) : `${appKey} is paused: ${paused}`;
          const health = await engine.proof.health(appKey);
          const report = toAuditReport(
            { ...run, error },
            health.filter(({ resource }) => run.passes.some((pass) => pass.resource === resource)).map(toCertificate),
          );
          cli.exitCode = report.status === 'equal' ? EXIT.ok : EXIT.failed;
          if (options.json === true) cli.out.json(report);
          else cli.out.print(describeAudit(report));
        },
      );
    });

const KINDS = ['missing', 'stale', 'extra'] as const;

type AuditCertificate = ReturnType<typeof toCertificate>;

/** What the certificate of a resource claims now, and on which evidence. */
function toCertificate(one: ResourceHealth) {
  const { resource, certificate_holds: holds, certificate_ended_by: ended_by, certificate_reason: reason } = one;
  return { resource, holds, ended_by, reason, evidence: one.certificate_evidence };
}

/** What an audit says, to people and machines. */
export function toAuditReport(run: AuditRun, certificates: readonly AuditCertificate[] = []) {
  const resources = Object.fromEntries(Object.entries(run.resources).map(([name, counts]) => [name, shown(counts)]));
  const sum = (key: (typeof KINDS)[number] | 'repaired') =>
    Object.values(resources).reduce((total, counts) => total + Number(counts[key]), 0);
  const differing = KINDS.reduce((total, kind) => total + sum(kind), 0);
  const repaired = sum('repaired');
  return {
    run_id: run.id,
    app_key: run.app_key,
    status:
      run.state !== 'completed'
        ? ('incomplete' as const)
        : differing === 0
          ? ('equal' as const)
          : ('differed' as const),
    error: run.error,
    duration_ms: run.duration_ms,
    differing,
    repaired,
    resources,
    certificates,
    notes: run.passes.flatMap(({ resource, note }) => (note === null ? [] : [`${resource}: ${note}`])),
  };
}

function shown(counts: AuditCounts) {
  // Of an audit that was interrupted only what it has read is known.
  const { equal = 0, missing = 0, stale = 0, extra = 0, repaired = 0, unconfirmed = 0 }: Partial<AuditCounts> = counts;
  const { pages, requests, ids }: Partial<AuditCounts> = counts;
  return { equal, missing, stale, extra, repaired, unconfirmed, pages, requests, ids };
}

function describeAudit(report: ReturnType<typeof toAuditReport>): string {
  const columns = ['equal', ...KINDS, 'repaired', 'unconfirmed', 'requests'] as const;
  const rows = Object.entries(report.resources).map(([name, counts]) => [
    name,
    ...columns.map((column) => Number(counts[column] ?? 0)),
  ]);
  const lines = Object.entries(report.resources).flatMap(([name, counts]) =>
    KINDS.filter((kind) => Number(counts[kind]) > 0).map((kind) => {
      const ids = counts.ids?.[kind] ?? [];
      const rest = Number(counts[kind]) - ids.length;
      return `${name} ${kind}: ${ids.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    }),
  );
  const left = report.certificates.filter(({ holds }) => holds !== true).map(({ resource }) => resource);
  const ended = report.certificates.flatMap(({ resource, holds, ended_by, reason }) =>
    holds === true
      ? [`${resource}: the certificate holds; the list ended by ${ended_by}`]
      : holds === false
        ? [`${resource}: the certificate does not hold: ${reason}`]
        : [],
  );
  const verdict = {
    equal: `the mirror equals its source${left.length === 0 ? '' : `, as far as it could be compared (not: ${left.join(', ')})`}`,
    differed:
      report.repaired === report.differing
        ? `${report.differing} objects differed and were repaired`
        : `${report.differing} objects differ${report.repaired > 0 ? `, ${report.repaired} of them were repaired` : ''}; supasaasy audit ${report.app_key} --repair brings them in order`,
    incomplete: `the comparison did not come to its end: ${report.error ?? 'it was interrupted; the same command goes on'}`,
  }[report.status];
  return [
    formatTable(['resource', ...columns], rows),
    ...lines,
    ...ended,
    ...report.notes,
    '',
    `${report.app_key}: ${verdict} (${formatDuration(report.duration_ms)}, run ${report.run_id})`,
  ].join('\n');
}
