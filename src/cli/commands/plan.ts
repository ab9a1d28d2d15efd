import { Command } from 'commander';
import { formatDuration } from '../../engine/format-duration.ts';
import type { RunOptions } from '../../engine/store.ts';
import { estimateRun, type ResourceEstimate, type RunEstimate } from '../../engine/sync/estimate-run.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { withProject } from '../open.ts';
import { collect } from '../parse.ts';
import { formatCount, formatTable } from '../table.ts';

export const plan: DefineCommand = (cli) =>
  new Command('plan')
    .description(
      'what the first full sync of an app would cost: objects, requests, minutes, permissions that are missing',
    )
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option('--resource <names>', 'only these resources (repeat it, or use commas)', collect)
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText(
      'after',
      '\nAsks for one page of each list, and a few more where the provider does not count: an estimate. Mirrors nothing.',
    )
    .action(async (appKey: string, options: { resource?: string[]; json?: boolean }, command: Command) => {
      const signal = cli.interruptible();
      const wish: RunOptions =
        options.resource === undefined ? {} : { resources: [...new Set(options.resource)].sort() };
      await withProject(cli, command.optsWithGlobals(), {}, async ({ engine }) => {
        const estimate = await estimateRun(engine, appKey, wish, signal);
        cli.exitCode = estimate.missing_permissions.length > 0 || estimate.problems.length > 0 ? EXIT.failed : EXIT.ok;
        if (options.json === true) cli.out.json(estimate);
        else cli.out.print(describeEstimate(estimate));
      });
    });

const HOW: Readonly<Record<ResourceEstimate['how'], (one: ResourceEstimate) => string>> = {
  exact: () => 'all seen',
  counted: () => 'counted by the provider',
  sampled: ({ low = 0, high = 0 }) => `sampled: ${formatCount(low)} to ${formatCount(high)}`,
  at_least: () => 'at least: this list does not tell',
};

function describeEstimate(estimate: RunEstimate): string {
  const rows = [...estimate.resources]
    .sort((a, b) => b.requests - a.requests || a.resource.localeCompare(b.resource))
    .map((one) => [one.resource, one.objects, HOW[one.how](one), one.requests, one.serial ? 'serial' : 'parallel']);
  const unknown = estimate.resources.some((one) => one.how === 'at_least');
  return [
    formatTable(['resource', 'objects', 'how it is known', 'requests', 'read'], rows),
    '',
    `${estimate.app_key}: about ${formatCount(estimate.objects)} objects, ${formatCount(estimate.requests)} requests, ${formatDuration(estimate.minutes * 60_000)}${unknown ? ' or more' : ''}.`,
    `Bound by ${estimate.bound_by}. An estimate, made with ${estimate.requests_sent} requests.`,
    ...estimate.missing_permissions.map(({ resource, message }) => `missing permission: ${resource}: ${message}`),
    ...estimate.problems.map((problem) => `problem: ${problem}`),
  ].join('\n');
}
