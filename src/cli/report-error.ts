import { ConfigError, describeError, MissingSecretError, SupasaasyError } from '../errors.ts';
import { type Cli, EXIT } from './command.ts';

/** One clear message; where it happened only when asked. Returns the exit code. */
export function reportError(cli: Cli, error: unknown, options: { verbose: boolean; json: boolean }): number {
  const message = describeError(error);
  if (options.json) {
    const code = error instanceof SupasaasyError ? error.code : 'unexpected';
    cli.out.json({ status: 'error', error: { code, message } });
  }
  cli.out.note(`${cli.out.red('error')}: ${message}`);
  if (options.verbose) cli.out.note(traceOf(error));
  else if (!(error instanceof SupasaasyError))
    cli.out.note('This is not an error we expected: --verbose shows where it happened.');
  return error instanceof ConfigError || error instanceof MissingSecretError ? EXIT.usage : EXIT.failed;
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${traceOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
