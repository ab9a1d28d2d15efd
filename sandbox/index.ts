/** Emulated providers for tests, demos and benchmarks: `supasaasy/sandbox`. */
export { type SandboxFetch, sandboxFetch } from './http/fetch.ts';
export type { SandboxProvider } from './http/provider.ts';
export { createSandbox, type SandboxOptions } from './http/sandbox.ts';
export { type SandboxServer, type ServeOptions, serveSandbox } from './http/serve.ts';
export {
  createIntercomSandbox,
  type IntercomSandbox,
  type IntercomSandboxOptions,
} from './intercom/intercom-sandbox.ts';
export { createStripeSandbox, type StripeSandbox, type StripeSandboxOptions } from './stripe/index.ts';
