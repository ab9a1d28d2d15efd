export { ACCOUNT_ID } from './account-object.ts';
export { createStripeSandbox, type StripeSandbox, type StripeSandboxOptions } from './stripe-sandbox.ts';
export { LATEST_VERSION } from './versions.ts';
