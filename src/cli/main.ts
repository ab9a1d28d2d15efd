import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { readVersion } from '../runtime/node/package-folder.ts';
import { tuneMemory } from '../runtime/node/tune-memory.ts';
import { endAtBrokenPipe } from './broken-pipe.ts';
import { type Cli, type DefineCommand, EXIT } from './command.ts';
import { createInterrupt } from './interrupt.ts';
import { createOutput } from './output.ts';
import { reportError } from './report-error.ts';

/** In the order of the help. Only the command that runs is loaded: all of them take 0.4 s. */
const commands: Readonly<Record<string, readonly [summary: string, load: () => Promise<DefineCommand>]>> = {
  start: [
    'mirror your accounts, or a demo without any key, and keep the mirror live',
    async () => (await import('./commands/start.ts')).start,
  ],
  init: [
    'write a configuration, .env.example and a Supabase project into this folder',
    async () => (await import('./commands/init.ts')).init,
  ],
  migrate: ['bring the database up to date', async () => (await import('./commands/migrate.ts')).migrate],
  migrations: [
    'assemble one SQL file for the Supabase CLI',
    async () => (await import('./commands/migrations.ts')).migrations,
  ],
  plan: ['estimate what a sync would read', async () => (await import('./commands/plan.ts')).plan],
  sync: ['read an account into the mirror', async () => (await import('./commands/sync.ts')).sync],
  status: [
    'show the state of each app; exit code 1 when something needs attention',
    async () => (await import('./commands/status.ts')).status,
  ],
  query: ['run one read-only SQL statement on the mirror', async () => (await import('./commands/query.ts')).query],
  audit: [
    'compare the mirror with its source, object by object',
    async () => (await import('./commands/audit.ts')).audit,
  ],
  quarantine: [
    'list and retry the records that could not be stored',
    async () => (await import('./commands/quarantine.ts')).quarantine,
  ],
  serve: [
    'run as a server: webhooks, HTTP API, worker and schedules',
    async () => (await import('./commands/serve.ts')).serve,
  ],
  worker: ['run the worker and the schedules without HTTP', async () => (await import('./commands/worker.ts')).worker],
  webhooks: [
    'register endpoints; list and replay deliveries',
    async () => (await import('./commands/webhooks.ts')).webhooks,
  ],
  consumers: [
    'inspect and operate the consumers of the change feed',
    async () => (await import('./commands/consumers.ts')).consumers,
  ],
  resume: ['resume an app that is paused', async () => (await import('./commands/resume.ts')).resume],
  doctor: [
    'show what is missing, and the command that fixes it',
    async () => (await import('./commands/doctor.ts')).doctor,
  ],
  sandbox: ['serve the emulated providers alone', async () => (await import('./commands/sandbox.ts')).sandbox],
};

/** The command line. Ends the process, with an exit code that tells the truth. */
export async function main(args: readonly string[]): Promise<never> {
  tuneMemory();
  const out = createOutput(process.env);
  const interrupt = createInterrupt(out.note);
  endAtBrokenPipe(interrupt.stop);
  const cli: Cli = { out, env: process.env, cwd: process.cwd(), interruptible: interrupt.listen, exitCode: undefined };
  const program = createProgram();
  try {
    for (const command of await load(cli, args)) program.addCommand(inherit(command, program));
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    cli.exitCode =
      error instanceof CommanderError
        ? error.exitCode === 0
          ? EXIT.ok
          : EXIT.usage
        : reportError(cli, error, { verbose: args.includes('--verbose'), json: args.includes('--json') });
  }
  return await exit(cli.exitCode ?? (interrupt.aborted ? EXIT.interrupted : EXIT.ok));
}

/** The commands that these arguments can mean: every one that is named in them. Of the others the help shows the summary. */
async function load(cli: Cli, args: readonly string[]): Promise<Command[]> {
  const all = Object.entries(commands);
  const named = all.filter(([name]) => args.includes(name));
  if (named.length === 0) return all.map(([name, [summary]]) => new Command(name).summary(summary));
  return await Promise.all(named.map(async ([, [summary, define]]) => (await define())(cli).summary(summary)));
}

function createProgram(): Command {
  const program = new Command('supasaasy')
    .description('Mirror SaaS accounts into your own Postgres, and know that the mirror is true.')
    .version(readVersion())
    .option('--config <file>', 'the configuration (default: supasaasy.config.ts here); .env is read beside it')
    .option('--verbose', 'say more, and show where an error happened')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(supasaasy <command> --help explains the command)')
    .exitOverride()
    .addHelpText(
      'after',
      `
The database is the one that DATABASE_URL names, else an embedded one in .supasaasy/.
Exit codes: 0 done, 1 not done, 2 asked wrongly or configured wrongly, 130 interrupted.

Begin with:  supasaasy start        a demo without any account, or your accounts when .env has their keys
             supasaasy doctor       what is missing, and the command that mends it`,
    );
  return program;
}

/** Commands made apart from the program do not take over its settings by themselves. */
function inherit(command: Command, program: Command): Command {
  command.copyInheritedSettings(program);
  for (const sub of command.commands) inherit(sub, command);
  return command;
}

/** What was written to a pipe is out before the process is. */
async function exit(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((done) => stream.write('', () => done()));
  }
  return process.exit(code);
}
