import { type ChildProcess, fork } from 'node:child_process';

/** A process of its own that answers calls. */
export interface Child<Calls extends Record<string, (argument: never) => unknown>> {
  readonly pid: number;
  call<Name extends keyof Calls & string>(
    name: Name,
    argument: Parameters<Calls[Name]>[0],
  ): Promise<Awaited<ReturnType<Calls[Name]>>>;
  stop(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Starts a module that calls `answerCalls`; one in TypeScript as the command line starts. */
export function startChild<Calls extends Record<string, (argument: never) => unknown>>(
  module: URL,
  options: { readonly execArgv?: readonly string[]; readonly env?: NodeJS.ProcessEnv } = {},
): Child<Calls> {
  const plain = module.pathname.endsWith('.mjs');
  const loader = plain ? [] : ['--import', 'tsx'];
  const child: ChildProcess = fork(module, [], {
    execArgv: [...loader, ...(options.execArgv ?? [])],
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
  });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let calls = 0;
  child.on('message', ({ id, result, error }: Answer) => {
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`the process ended (${code ?? signal})`));
      resolve();
    });
  });
  return {
    pid: child.pid ?? 0,
    call: (name, argument) =>
      new Promise((resolve, reject) => {
        calls += 1;
        waiting.set(calls, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: calls, name, argument });
      }),
    async stop() {
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** User and system time of this process. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: never;
}

/** The child's side. */
export function answerCalls(calls: Record<string, (argument: never) => unknown>): void {
  const answer = async ({ id, name, argument }: Call) => {
    try {
      process.send?.({ id, result: await calls[name]?.(argument) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  process.on('message', (call: Call) => void answer(call));
  process.once('disconnect', () => process.exit());
}
