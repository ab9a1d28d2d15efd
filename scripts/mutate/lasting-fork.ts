import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node';

type Listener = (argument: unknown) => void;

/**
 * A pool of one process for Vitest that outlives its runs: Vitest starts a process for each run, which costs a second
 * until the engine is imported. What Vitest sends to start and to stop it is answered here after the first time.
 */
export function createLastingFork() {
  let child: ChildProcess | undefined;
  let started = false;
  const alive = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  function spawn({ distPath, env, execArgv }: PoolOptions): ChildProcess {
    started = false;
    const made = fork(join(distPath, 'workers/forks.js'), [], {
      env,
      execArgv,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    made.setMaxListeners(100);
    made.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (process.env['MUTATE_LOG']) process.stderr.write(text);
    });
    return made;
  }

  function createPoolWorker(options: PoolOptions): PoolWorker {
    const listeners: [string, Listener][] = [];
    let mine: ChildProcess | undefined;
    const answer = (type: 'started' | 'stopped') =>
      setImmediate(() => {
        for (const [event, listener] of [...listeners])
          if (event === 'message') listener({ type, __vitest_worker_response__: true });
      });
    return {
      name: 'lasting',
      cacheFs: true,
      async start() {
        if (!alive()) child = spawn(options);
        mine = child;
      },
      async stop() {
        for (const [event, listener] of listeners.splice(0)) mine?.off(event, listener);
      },
      on(event, listener) {
        listeners.push([event, listener]);
        mine?.on(event, listener);
      },
      off(event, listener) {
        const at = listeners.findIndex(([name, known]) => name === event && known === listener);
        if (at >= 0) listeners.splice(at, 1);
        mine?.off(event, listener);
      },
      send(message: WorkerRequest) {
        if (message.type === 'stop') answer('stopped');
        else if (message.type === 'start' && started) answer('started');
        else {
          if (message.type === 'start') started = true;
          if (mine?.connected === true) mine.send(message);
        }
      },
      deserialize: (data) => data,
    };
  }
  return {
    pool: { name: 'lasting', createPoolWorker },
    kill() {
      child?.kill('SIGKILL');
      child = undefined;
    },
  };
}

export type LastingFork = ReturnType<typeof createLastingFork>;
