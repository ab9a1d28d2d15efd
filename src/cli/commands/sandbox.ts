import process from 'node:process';
import { Command, InvalidArgumentError } from 'commander';
import { serveDemo } from '../../../sandbox/demo/demo.ts';
import { ConfigError } from '../../errors.ts';
import { type DefineCommand, EXIT } from '../command.ts';
import { parseCount } from '../parse.ts';

interface SandboxOptions {
  readonly port: number;
  readonly live: number;
  readonly seed: number;
  readonly people?: number;
  readonly folder?: string;
  readonly json?: boolean;
}

export const sandbox: DefineCommand = (cli) =>
  new Command('sandbox')
    .description('emulated providers alone, over HTTP, for trying things out: see sandbox/README.md')
    .option('--port <number>', 'first port; the next provider takes the next one', parsePort, 4010)
    .option('--live <changes>', 'changes a second from the start', parseRate, 0)
    .option('--seed <number>', 'the same seed makes the same accounts', parseCount, 1)
    .option('--people <number>', 'customers and contacts; everything else in proportion (default: 2400)', parseCount)
    .option('--folder <folder>', 'remember the accounts there from one start to the next')
    .option('--json', 'print one JSON object when ready, and nothing else')
    .action(async (options: SandboxOptions) => {
      const signal = cli.interruptible();
      const { live, ...demo } = options;
      const accounts = await serveDemo(demo).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error;
        throw new ConfigError(
          `port ${options.port} or the next is in use: choose another with --port (0: any free ones)`,
          [],
          { cause: error },
        );
      });
      for (const account of accounts) account.server.control.live(live);
      const told = accounts.map(({ name, url, apiKey, webhookSecret, env, example }) => ({
        name,
        url,
        api_key: apiKey,
        webhook_secret: webhookSecret,
        env,
        example,
      }));
      // Started by `start`: it is told over the channel, and we end when it does, however it ends.
      process.send?.({ accounts: told });
      if (options.json === true) cli.out.json({ accounts: told });
      else if (process.send === undefined) {
        cli.out.print('Emulated accounts. For .env:\n');
        for (const { env } of told)
          cli.out.print(
            `${Object.entries(env)
              .map(([name, value]) => `${name}=${value}`)
              .join('\n')}\n`,
          );
        cli.out.print('Ctrl-C ends them.');
      }
      await new Promise<void>((done) => {
        process.once('disconnect', done);
        signal.addEventListener('abort', () => process.send === undefined && done());
      });
      await Promise.all(accounts.map((account) => account.server.close()));
      cli.exitCode = EXIT.ok;
    });

function parsePort(text: string): number {
  const port = parseCount(text);
  if (port > 65_534) throw new InvalidArgumentError('must be at most 65534');
  return port;
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (!(rate >= 0 && rate <= 1_000)) throw new InvalidArgumentError('must be a number from 0 to 1000');
  return rate;
}
