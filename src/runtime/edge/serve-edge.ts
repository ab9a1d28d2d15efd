import type { Config } from '../../config.ts';
import { describeError } from '../../errors.ts';
import { openSupabaseDatabase } from '../supabase/open-database.ts';
import { createEdge } from './create-edge.ts';
import { edgeLog } from './edge-log.ts';
import { cpuOfProcess, readEnvironment, requireDeno, runInBackground } from './platform.ts';

/** Serves one Edge Function: all that its `index.ts` calls. `prefix`: what its name begins with in this project. */
export function serveEdge(config: Config, name: string, prefix = ''): void {
  requireDeno().serve(createHandler(config, name, prefix));
}

function createHandler(
  config: Config,
  name: string,
  prefix: string,
): (request: Request) => Response | Promise<Response> {
  try {
    const env = readEnvironment();
    const database = openSupabaseDatabase(env);
    return createEdge({ config, name, prefix, env, database, log: edgeLog, cpu: cpuOfProcess, runInBackground }).fetch;
  } catch (error) {
    // A function that does not start says so at every request, in the log, instead of an unexplained boot error.
    return () => {
      edgeLog('error', `this function cannot start: ${describeError(error)}`);
      const told = { error: { code: 'not_ready', message: 'this function cannot start; its log has the reason' } };
      return Response.json(told, { status: 503 });
    };
  }
}
