import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { endAtBrokenPipe } from './broken-pipe.ts';
import { type Cli, type DefineCommand, EXIT } from './command.ts';
import { createInterrupt } from './interrupt.ts';
import { createOutput } from './output.ts';
import { reportError } from './report-error.ts';

/** In the order of the help. Only what is asked for is loaded: all of them took 0.4 s of every command. */
const commands: Readonly<Record<string, () => Promise<DefineCommand>>> = {
  start: async () => (await import('./commands/start.ts')).start,
  init: async () => (await import('./commands/init.ts')).init,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  migrations: async () => (await import('./commands/migrations.ts')).migrations,
  plan: async () => (await import('./commands/plan.ts')).plan,
  sync: async () => (await import('./commands/sync.ts')).sync,
  status: async () => (await import('./commands/status.ts')).status,
  query: async () => (await import('./commands/query.ts')).query,
  audit: async () => (await import('./commands/audit.ts')).audit,
  quarantine: async () => (await import('./commands/quarantine.ts')).quarantine,
  serve: async () => (await import('./commands/serve.ts')).serve,
  worker: async () => (await import('./commands/worker.ts')).worker,
  webhooks: async () => (await import('./commands/webhooks.ts')).webhooks,
  consumers: async () => (await import('./commands/consumers.ts')).consumers,
  resume: async () => (await import('./commands/resume.ts')).resume,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  sandbox: async () => (await import('./commands/sandbox.ts')).sandbox,
};

/** The command line. Ends the process, with an exit code that tells the truth. */
export async function main(args: readonly string[]): Promise<never> {
  const out = createOutput(process.env);
  const interrupt = createInterrupt(out.note);
  endAtBrokenPipe(interrupt.stop);
  const cli: Cli = { out, env: process.env, cwd: process.cwd(), interruptible: interrupt.listen, exitCode: undefined };
  const program = createProgram();
  try {
    for (const define of await load(args)) program.addCommand(inherit(define(cli), program));
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

/** The commands that these arguments can mean: every one that is named in them, or all, to tell of them. */
async function load(args: readonly string[]): Promise<DefineCommand[]> {
  if (args[0] === '--version' || args[0] === '-V') return [];
  const named = Object.keys(commands).filter((name) => args.includes(name));
  const wanted = named.length > 0 ? named : Object.keys(commands);
  return await Promise.all(wanted.map((name) => commands[name]?.() as Promise<DefineCommand>));
}

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('supasaasy')
    .description('Mirror SaaS accounts into your own Postgres, and know that the mirror is true.')
    .version(version)
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
