import { z } from 'zod';
import { intercomOrigins } from './metadata.ts';

const REGION_HINT = `the region is chosen with base_url: ${Object.entries(intercomOrigins)
  .map(([region, origin]) => `"${origin}" (${region})`)
  .join(', ')}`;

/** What an app of this connector may set beside what every app has: nothing. */
export const settings = z.strictObject({
  region: z.undefined({ error: REGION_HINT }).optional(),
});
