import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createPglite } from '../../src/runtime/node/pglite.ts';
import { copyDataFolder } from '../setup/data-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Resolves when what was printed so far matches. */
  until(pattern: RegExp): Promise<void>;
}

/** Starts the real command line, in a folder, with this environment and nothing of ours. */
export function start(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Running {
  const child = spawn(process.execPath, [join(ROOT, 'bin/supasaasy.js'), ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...options.env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  const heard = () => {
    for (const look of waiting) look();
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    heard();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    heard();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
      heard();
    });
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(stdout + stderr)) resolve();
          else if (child.exitCode !== null) reject(new Error(`it ended without ${pattern}:\n${stdout}\n${stderr}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
  };
}

export function run(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): Promise<Ended> {
  return start(args, options).ended;
}

/** A project folder of its own, with the repository's connectors within reach. */
export function createFolder(config?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'supasaasy-cli-'));
  if (config !== undefined) writeFileSync(join(folder, 'supasaasy.config.ts'), config);
  return folder;
}

/** The same, with an embedded database that is migrated. */
export async function createMigratedFolder(config: string): Promise<string> {
  const folder = createFolder(config);
  await copyDataFolder(dataDir(folder));
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export function temporaryFolder(config?: string): string {
  const folder = createFolder(config);
  onTestFinished(() => removeFolder(folder));
  return folder;
}

export async function temporaryMigratedFolder(config: string): Promise<string> {
  const folder = await createMigratedFolder(config);
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** The text of a configuration; `apps` and the rest as they would be written. */
export function configText(body: string): string {
  return `import 'supasaasy/connectors/stripe';
import 'supasaasy/connectors/intercom';
import { defineConfig } from 'supasaasy';
export default defineConfig(${body});
`;
}

/** One Stripe app whose origin the environment names. */
export const ONE_APP = configText(`{
  apps: [{ app_key: 'shop', connector: 'stripe', config: {
    api_key_env: 'SHOP_KEY', webhook_secret_env: 'SHOP_SECRET', base_url: process.env.SHOP_URL || undefined, requests_per_second: 10000 } }],
}`);

/** Asks the embedded database of a folder, while no command has it. */
export async function ask<Row>(dataDir: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const database = await createPglite(dataDir);
  try {
    return await database.query<Row>(sql, values);
  } finally {
    await database.close();
  }
}

export const dataDir = (folder: string) => join(folder, '.supasaasy', 'pglite');
