// TypeScript files are ES modules here, also in a folder whose package.json does not say so (or that has none): as
// CommonJS, a configuration would get a second copy of the engine.
export async function load(url, context, next) {
  const { pathname } = new URL(url);
  return await next(url, pathname.endsWith('.ts') ? { ...context, format: 'module' } : context);
}
