import pg from 'pg';

const RECONNECT_MS = 1000;

/**
 * Hears a channel on a connection of its own, which is made again when it breaks (and `heard` is called then, because
 * something may have been missed). Never throws later: whoever listens also looks for itself now and then.
 */
export async function listen(
  connectionString: string,
  channel: string,
  heard: () => void,
): Promise<{ close(): Promise<void> }> {
  let client: pg.Client | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString, application_name: 'supasaasy-listen', keepAlive: true });
    next.on('error', () => {});
    next.once('end', () => {
      if (closed) return;
      timer = setTimeout(() => void connect().then(heard, () => {}), RECONNECT_MS);
      timer.unref();
    });
    next.on('notification', heard);
    await next.connect();
    await next.query(`listen ${next.escapeIdentifier(channel)}`);
    client = next;
    if (closed) await next.end();
  }

  await connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
