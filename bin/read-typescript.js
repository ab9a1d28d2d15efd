// The sources are TypeScript: tsx teaches Node to read them, in this process and from any directory. Imported before all else.
import { register as registerHooks } from 'node:module';
import { setFlagsFromString } from 'node:v8';

keepHeapSmall();
const { register } = await import('tsx/esm/api');
register();
registerHooks('./typescript-is-esm.js', import.meta.url);
// The thread of the hooks has set it back.
keepHeapSmall();

// V8's young generation stays as small as it begins. Pages go from the socket to PostgreSQL as bytes, outside of the heap,
// and the few objects beside them are dead at once; reading the sources would let it grow to 48 MB, and it never shrinks:
// 40 MB of resident memory that make nothing faster (`npm run bench -- scale`).
function keepHeapSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
}
