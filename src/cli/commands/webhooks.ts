import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { App } from '../../engine/app.ts';
import { describeRefused } from '../../engine/fleet/refused.ts';
import { hasCredentials, shownUrl } from '../../engine/shown-url.ts';
import { ConfigError, describeError } from '../../errors.ts';
import type { RegisteredEndpoint, WebhookRegistration } from '../../kit/connector.ts';
import type { Project } from '../../runtime/node/project.ts';
import { type Cli, type DefineCommand, EXIT } from '../command.ts';
import { withProject } from '../open.ts';
import { collect, parsePositive, parseWord } from '../parse.ts';
import { formatTable } from '../table.ts';

export const webhooks: DefineCommand = (cli) =>
  new Command('webhooks')
    .description('the endpoints that a provider calls, and the deliveries that arrived')
    .addCommand(register(cli))
    .addCommand(list(cli))
    .addCommand(replay(cli));

const register: DefineCommand = (cli) =>
  new Command('register')
    .description("create the webhook endpoint through the provider's API, or take over the one that is there")
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .requiredOption('--url <url>', 'where this deployment is reached; /webhook/<app_key> is added', parseUrl)
    .option('--write-env', 'write the secret into .env instead of printing it')
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string, options: { url: string; writeEnv?: boolean; json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async (project) => {
        const app = project.engine.app(appKey);
        if (hasCredentials(options.url))
          throw new ConfigError(
            '--url has a user or a password in it, which the provider would keep and show: leave them out; deliveries are signed',
          );
        const url = endpointUrl(options.url, appKey);
        const registration = registrationOf(app, url);
        const context = { account: app.account(), fetch: project.engine.ports.fetch };
        const endpoint = await registration.register(context, url, app.config.resources).catch(refused(app));
        const name = app.config.webhookSecretEnvs[0] ?? '';
        const written = options.writeEnv === true && endpoint.secret !== undefined;
        if (written) writeSecret(join(project.folder, '.env'), name, endpoint.secret ?? '');
        if (options.json === true) {
          const { secret, ...rest } = endpoint;
          return cli.out.json({ ...rest, secret_env: name, ...(written ? { written: true } : { secret }) });
        }
        cli.out.print(
          `${endpoint.created ? 'created' : 'reused'} ${endpoint.id}: ${url} (${endpoint.events.length} event types)`,
        );
        if (written)
          cli.out.print(
            `its secret is in ${relative(cli.cwd, join(project.folder, '.env'))} as ${name}; restart what serves the webhooks`,
          );
        else if (endpoint.secret !== undefined)
          cli.out.print(
            `\nPut its secret into .env (or the function's secrets), it is shown this once:\n\n${name}=${endpoint.secret}`,
          );
        else if (!cli.env[name])
          cli.out.print(
            `its secret was shown when it was created: copy it from the provider's dashboard into .env as ${name}`,
          );
      });
    });

const list: DefineCommand = (cli) =>
  new Command('list')
    .description('the endpoints that the provider knows, and the last deliveries')
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option(
      '--state <state>',
      'only deliveries in this state',
      parseWord(['ready', 'running', 'processed', 'ignored', 'dead']),
    )
    .option('--limit <number>', 'deliveries at most', parsePositive, 20)
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string, options: { state?: string; limit: number; json?: boolean }, command: Command) => {
      await withProject(cli, command.optsWithGlobals(), {}, async (project) => {
        const app = project.engine.app(appKey);
        const known = await endpointsOf(cli, project, app);
        const endpoints = known?.map((endpoint) => ({ ...endpoint, url: shownUrl(endpoint.url) })) ?? null;
        const deliveries = await project.database.query<Record<string, string | number | null>>(
          `select event_id, event_type, state, received_at::text, deliveries, attempts, reason from supasaasy.inbox
           where app_key = $1 and ($2::text is null or state = $2) order by received_at desc limit $3`,
          [appKey, options.state ?? null, options.limit],
        );
        const refused = (await project.engine.store.getFleet()).refused.filter((one) => one.app_key === appKey);
        if (options.json === true) return cli.out.json({ app_key: appKey, endpoints, deliveries, refused });
        if (endpoints !== null && endpoints.length > 0)
          cli.out.print(
            `${formatTable(
              ['endpoint', 'url', 'status', 'event types'],
              endpoints.map(({ id, url, status, events }) => [
                id,
                url,
                status,
                events.includes('*') ? 'all' : String(events.length),
              ]),
            )}\n`,
          );
        else if (endpoints !== null)
          cli.out.print(
            `The provider knows no endpoint. Create it: supasaasy webhooks register ${appKey} --url https://…\n`,
          );
        for (const one of refused) {
          const { message, remedy } = describeRefused(one);
          cli.out.print(`${cli.out.yellow('!')} ${message}\n    ${remedy}\n`);
        }
        if (deliveries.length === 0)
          return cli.out.print(refused.length === 0 ? 'No deliveries.' : 'No delivery was accepted.');
        const head = ['event_id', 'event_type', 'state', 'received_at', 'reason'];
        cli.out.print(
          formatTable(
            head,
            deliveries.map((row) => head.map((name) => String(row[name] ?? ''))),
          ),
        );
      });
    });

interface ReplayOptions {
  readonly event?: string[];
  readonly type?: string;
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

const replay: DefineCommand = (cli) =>
  new Command('replay')
    .description('process deliveries of the inbox again, without asking the provider to send them again')
    .argument('<app_key>', 'the app, as supasaasy.config.ts names it')
    .option('--event <ids>', 'only these events (repeat it, or use commas)', collect)
    .option('--type <type>', "only this type, in the provider's words")
    .option('--state <state>', 'only deliveries in this state', parseWord(['processed', 'ignored', 'dead']))
    .option('--from <moment>', 'received at or after (ISO 8601)', parseMoment)
    .option('--to <moment>', 'received before (ISO 8601)', parseMoment)
    .option('--json', 'print one JSON object and nothing else')
    .action(async (appKey: string, options: ReplayOptions, command: Command) => {
      const signal = cli.interruptible();
      await withProject(cli, command.optsWithGlobals(), { access: 'work' }, async ({ engine }) => {
        engine.app(appKey).account();
        const { event, type, state, from, to } = options;
        const replayed = Number(
          await engine.store.replayDeliveries({
            app_key: appKey,
            ...(event === undefined ? {} : { event_ids: event }),
            ...(type === undefined ? {} : { type }),
            ...(state === undefined ? {} : { state }),
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
          }),
        );
        const processed = await engine.drain({ signal });
        if (processed > 0) await engine.work({ signal, once: true });
        if (options.json === true) return cli.out.json({ app_key: appKey, replayed, processed });
        cli.out.print(`${replayed} deliveries put back, ${processed} processed now`);
        cli.exitCode = EXIT.ok;
      });
    });

function registrationOf(app: App, url: string): WebhookRegistration {
  const { registration, metadata } = app.config.connector;
  if (registration !== undefined) return registration;
  throw new ConfigError(
    `${metadata.title} has no API for this: in its settings add the endpoint ${url} by hand, and put the secret that signs it into .env as ${app.config.webhookSecretEnvs[0]} (${metadata.docs})`,
  );
}

async function endpointsOf(cli: Cli, { engine }: Project, app: App): Promise<readonly RegisteredEndpoint[] | null> {
  const { registration } = app.config.connector;
  if (registration === undefined || app.unusableKey() !== undefined) return null;
  try {
    return await registration.list({ account: app.account(), fetch: engine.ports.fetch });
  } catch (error) {
    cli.out.note(`${cli.out.yellow('warning')}: the endpoints cannot be read: ${describeError(error)}`);
    return null;
  }
}

const refused = (app: App) => (error: unknown) => {
  throw new ConfigError(
    `${app.config.connector.metadata.title} refuses to register the endpoint: ${describeError(error)} (may the key in ${app.config.apiKeyEnv} write webhook endpoints?)`,
    [],
    { cause: error },
  );
};

/** `https://host` and `https://host/functions/v1` get the rest of the path; a complete one is kept. */
export function endpointUrl(base: string, appKey: string): string {
  const url = base.replace(/\/+$/, '');
  if (url.endsWith(`/${appKey}`)) return url;
  return url.endsWith('/webhook') ? `${url}/${appKey}` : `${url}/webhook/${appKey}`;
}

/** Replaces the line, or adds one; everything else in the file stays. */
function writeSecret(file: string, name: string, secret: string): void {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const line = new RegExp(`^${name}=.*$`, 'm');
  if (line.test(text))
    writeFileSync(
      file,
      text.replace(line, () => `${name}=${secret}`),
    );
  else appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${name}=${secret}\n`, { mode: 0o600 });
  // Also where the file was there, and readable for others.
  chmodSync(file, 0o600);
}

function parseUrl(text: string): string {
  // Commander would show the whole value.
  if (!URL.canParse(text) || !/^https?:\/\//.test(text))
    throw new ConfigError('--url must be a URL like https://example.com');
  return text;
}

function parseMoment(text: string): string {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw new InvalidArgumentError('must be ISO 8601, like 2026-01-31T12:00:00Z');
  return moment.toISOString();
}
