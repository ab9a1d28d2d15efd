import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ADMIN_KEY = 'sb_secret_of_the_bench';
const LOOK_EVERY_MS = 10;

export interface EdgeWorker {
  /** One invocation: `POST /worker`. Its host ends the process when it uses more than it may. */
  invoke(limits: InvocationLimits): Promise<Invocation>;
  stop(): void;
}

export interface InvocationLimits {
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface Invocation {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** Bytes, resident, the highest seen. */
  readonly rss: number;
  /** There is work left. */
  readonly more: boolean;
  /** Why the host ended it. */
  readonly killed?: string;
}

/** The worker function in a real Deno with the heap of an Edge Function. */
export async function startEdgeWorker(databaseUrl: string, sandboxUrl: string): Promise<EdgeWorker> {
  const port = await freePort();
  const child = spawn(
    `${ROOT}node_modules/.bin/deno`,
    [
      'run',
      '--allow-all',
      '--no-remote',
      '--no-lock',
      '--node-modules-dir=manual',
      '--v8-flags=--max-old-space-size=256',
      '--config',
      'supabase/functions/worker/deno.json',
      'bench/edge/index.ts',
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        DENO_DIR: `${ROOT}node_modules/.cache/deno`,
        DENO_NO_UPDATE_CHECK: '1',
        DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
        SUPABASE_DB_URL: databaseUrl,
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: ADMIN_KEY }),
        STRIPE_KEY: 'sk_live_bench',
        STRIPE_SECRET: 'whsec_bench',
        STRIPE_BASE_URL: sandboxUrl,
      },
    },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const url = `http://127.0.0.1:${port}/worker`;
  await untilListening(url, child, () => said);
  return {
    invoke: (limits) => invoke(url, child, limits, () => said),
    stop: () => void child.kill('SIGKILL'),
  };
}

async function invoke(
  url: string,
  child: ChildProcess,
  limits: InvocationLimits,
  said: () => string,
): Promise<Invocation> {
  const pid = child.pid ?? 0;
  const began = performance.now();
  const cpuBefore = cpuMsOf(pid);
  let killed: string | undefined;
  let rss = 0;
  let cpuMs = 0;
  const look = () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    cpuMs = cpuMsOf(pid) - cpuBefore;
    rss = Math.max(rss, rssOf(pid));
    if (cpuMs > limits.cpuMs) killed = `${Math.round(cpuMs)} ms of CPU`;
    else if (performance.now() - began > limits.wallMs) killed = `${limits.wallMs} ms`;
    if (killed !== undefined) child.kill('SIGKILL');
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: '{}',
    });
    if (answer.status !== 200)
      throw new Error(`the worker answered ${answer.status}: ${await answer.text()} ${said()}`);
    const { more } = (await answer.json()) as { more: boolean };
    look();
    return { cpuMs, wallMs: performance.now() - began, rss, more };
  } catch (error) {
    if (killed === undefined) throw error;
    return { cpuMs, wallMs: performance.now() - began, rss, more: true, killed };
  } finally {
    clearInterval(timer);
  }
}

async function untilListening(url: string, child: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (tries > 600 || child.exitCode !== null)
        throw new Error(`the worker does not answer: ${said()}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** All threads, from the kernel; its clock ticks a hundred times a second. Linux. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
