// The sources are TypeScript: tsx teaches Node to read them, in this process and from any directory. Imported before all else.
import { register as registerHooks } from 'node:module';
import { setFlagsFromString } from 'node:v8';

tuneMemory();
const { register } = await import('tsx/esm/api');
register();
registerHooks('./typescript-is-esm.js', import.meta.url);
// The thread of the hooks has set it back.
tuneMemory();

// Pages go from the socket to PostgreSQL as bytes, outside of V8's heap, and the few objects beside them are dead at once.
function tuneMemory() {
  // So the young generation stays as small as it begins. Reading the sources would let it grow to 48 MB, and it never
  // shrinks: 40 MB of resident memory that make nothing faster (`npm run bench -- scale`).
  setFlagsFromString('--semi-space-growth-factor=1');
  // And a heap of 15 MB is not collected whole for every 10 MB of pages that have passed: that was a third of the processor
  // time of large records (`npm run bench -- cpu`). The heap may be three times what is alive in it, at most.
  setFlagsFromString('--heap-growing-percent=200');
}
