import process from 'node:process';
import type { Log } from '../engine/ports.ts';
import { stringifyJson } from '../kit/json.ts';
import { redact } from './redact.ts';

/** Answers go to standard output, everything about the work to standard error: `--json | jq` sees the answer only. */
export interface Output {
  /** An answer for people. */
  print(text?: string): void;
  /** The answer for machines. */
  json(value: unknown): void;
  /** What happens meanwhile. */
  note(text: string): void;
  /** Both streams are a person's screen. */
  readonly interactive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Styles that vanish where nobody sees them. */
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
}

export function createOutput(env: Readonly<Record<string, string | undefined>>): Output {
  const interactive = process.stdout.isTTY === true && process.stderr.isTTY === true && env['TERM'] !== 'dumb';
  const colored = interactive && !env['NO_COLOR'];
  const style = (from: number, to: number) => (text: string) =>
    colored ? `\u001b[${from}m${text}\u001b[${to}m` : text;
  return {
    print: (text = '') => void process.stdout.write(`${redact(text, env)}\n`),
    json: (value) => void process.stdout.write(`${redact(stringifyJson(value), env)}\n`),
    note: (text) => void process.stderr.write(`${redact(text, env)}\n`),
    interactive,
    get columns() {
      return process.stdout.columns ?? 100;
    },
    get rows() {
      return process.stdout.rows ?? 40;
    },
    bold: style(1, 22),
    dim: style(2, 22),
    green: style(32, 39),
    red: style(31, 39),
    yellow: style(33, 39),
  };
}

/** The engine's log as lines on standard error; debug only when asked. */
export function createLog(out: Output, verbose: boolean): Log {
  return (level, message, fields) => {
    if (level === 'debug' && !verbose) return;
    const rest = verbose && fields !== undefined ? ` ${stringifyJson(fields)}` : '';
    const word = level === 'error' ? out.red('error') : level === 'warn' ? out.yellow('warning') : level;
    out.note(`${word}: ${message}${rest}`);
  };
}
