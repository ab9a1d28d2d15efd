import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { AnswerTooLargeError, fromFetch, type Send } from '../../src/engine/send.ts';
import { createNodeSend } from '../../src/runtime/node/send.ts';

const LIMIT = 100_000;
const senders: Record<string, () => Send> = {
  'Node’s own client': createNodeSend,
  'a fetch': () => fromFetch(fetch),
};

for (const [name, create] of Object.entries(senders)) {
  describe(`C27: an answer through ${name}`, () => {
    let server: Server;
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    async function ask(answer: RequestListener, timeoutMs = 60_000) {
      server = createServer(answer);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      return await create()({ url, method: 'GET', headers: {}, timeoutMs, maxBytes: LIMIT });
    }

    it('is taken whole up to the limit, packed or not', async () => {
      const text = 'x'.repeat(LIMIT);
      expect((await ask((_, response) => response.end(text))).bytes.byteLength).toBe(LIMIT);
      server.closeAllConnections();
      server.close();
      const packed = await ask((_, response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync(text));
      });
      expect(packed.bytes.byteLength).toBe(LIMIT);
    });

    it('is given up when it is longer than the limit, and without end', async () => {
      await expect(ask((_, response) => response.end('x'.repeat(LIMIT + 1)))).rejects.toThrow(AnswerTooLargeError);
      server.closeAllConnections();
      server.close();
      const endless: RequestListener = (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(10_000)));
        };
        response.on('drain', more);
        more();
      };
      await expect(ask(endless)).rejects.toThrow(AnswerTooLargeError);
    });

    it('is given up when it would be unpacked to more than the limit', async () => {
      const bomb = gzipSync(Buffer.alloc(50_000_000));
      expect(bomb.byteLength).toBeLessThan(LIMIT);
      const answer = ask((_, response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(bomb);
      });
      await expect(answer).rejects.toThrow(AnswerTooLargeError);
    });

    it('is given up when its last byte does not come in time', async () => {
      await expect(ask((_, response) => response.write('{'), 200)).rejects.toMatchObject({ name: 'TimeoutError' });
    });
  });
}
