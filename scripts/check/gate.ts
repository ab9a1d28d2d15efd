import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Gate {
  readonly name: string;
  /** What it demands, in a few words. */
  readonly what: string;
  /** Problems in the repository (or a canary) at `root`, each with its place and how to mend it. None: it passes. */
  run(root: string): Promise<readonly string[]>;
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of `node_modules/.bin` and takes its output. */
export async function runTool(root: string, name: string, args: readonly string[], env = {}): Promise<Finished> {
  const program = join(root, 'node_modules/.bin', name);
  if (!existsSync(program)) throw new Error(`${name} is not installed: npm ci`);
  return await runProgram(root, program, args, env);
}

export async function runProgram(root: string, program: string, args: readonly string[], env = {}): Promise<Finished> {
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...env },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** A gate that is one call of a tool: what it prints is the problem. */
export function fromTool(name: string, what: string, tool: string, args: readonly string[]): Gate {
  return {
    name,
    what,
    async run(root) {
      const { status, stdout, stderr } = await runTool(root, tool, args);
      return status === 0 ? [] : [`${stdout}${stderr}`.trim() || `${tool} ended with ${status}`];
    },
  };
}
