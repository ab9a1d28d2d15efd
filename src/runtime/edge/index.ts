/** Supabase Edge Functions, and other hosts of web standards: `supasaasy/edge`. */
export { createEdge, type EdgeOptions } from './create-edge.ts';
export { serveEdge } from './serve-edge.ts';
