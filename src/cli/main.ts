import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { type Cli, type DefineCommand, EXIT } from './command.ts';
import { audit } from './commands/audit.ts';
import { consumers } from './commands/consumers.ts';
import { doctor } from './commands/doctor.ts';
import { init } from './commands/init.ts';
import { migrate } from './commands/migrate.ts';
import { migrations } from './commands/migrations.ts';
import { plan } from './commands/plan.ts';
import { quarantine } from './commands/quarantine.ts';
import { query } from './commands/query.ts';
import { resume } from './commands/resume.ts';
import { sandbox } from './commands/sandbox.ts';
import { serve } from './commands/serve.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { sync } from './commands/sync.ts';
import { webhooks } from './commands/webhooks.ts';
import { worker } from './commands/worker.ts';
import { createInterrupt } from './interrupt.ts';
import { createOutput } from './output.ts';
import { reportError } from './report-error.ts';

/** In the order of the help. */
const commands: readonly DefineCommand[] = [
  start,
  init,
  migrate,
  migrations,
  plan,
  sync,
  status,
  query,
  audit,
  quarantine,
  serve,
  worker,
  webhooks,
  consumers,
  resume,
  doctor,
  sandbox,
];

/** The command line. Ends the process, with an exit code that tells the truth. */
export async function main(args: readonly string[]): Promise<never> {
  const out = createOutput(process.env);
  const interrupt = createInterrupt(out.note);
  const cli: Cli = { out, env: process.env, cwd: process.cwd(), interruptible: interrupt.listen, exitCode: undefined };
  const program = createProgram(cli);
  try {
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

function createProgram(cli: Cli): Command {
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
  for (const define of commands) program.addCommand(inherit(define(cli), program));
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
