import base, { MATRIX } from './vitest.config.ts';

export default {
  ...base,
  test: { ...base.test, include: MATRIX, exclude: ['**/node_modules/**'] },
};
