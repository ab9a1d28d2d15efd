/**
 * Who may import whom (ARCHITECTURE.md, "Import rules"). Each rule has a canary in test/gate/canaries/imports.txt.
 * Paths of packages are not anchored: tools may see them through a link.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
const package_ = (names) => `(^|/)node_modules/(${names})/`;
const NEUTRAL = '^src/(engine|kit)/|^src/(config|errors)\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle hides which of its modules comes first.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that nobody finds.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(npm|jsr|https):' },
    },
    {
      name: 'connectors-know-the-kit-only',
      comment: 'A connector imports src/kit, src/errors, zod, the SDK of its provider (named like it) and itself.',
      severity: 'error',
      from: { path: '^connectors/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot: ['^connectors/$1/', '^src/kit/', '^src/errors\\.ts$', package_('zod'), package_('@?$1[^/]*')],
      },
    },
    {
      name: 'neutral-code-knows-no-platform',
      comment: 'src/engine, src/kit, src/config and src/errors use web standards: no built-in module of a platform.',
      severity: 'error',
      from: { path: NEUTRAL },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'neutral-code-knows-few-packages',
      comment: 'Packages that run everywhere, and no driver, client or SDK.',
      severity: 'error',
      from: { path: NEUTRAL },
      to: { path: package_('.+'), pathNot: package_('zod|hono|croner') },
    },
    {
      name: 'engine-knows-no-surroundings',
      comment: 'What surrounds the engine imports it, never the other way round.',
      severity: 'error',
      from: { path: NEUTRAL },
      to: { path: '^(src/(runtime|cli|testing|index)|connectors|sandbox|scripts|bin|supabase|examples)(/|\\.)' },
    },
    {
      name: 'kit-knows-no-engine',
      comment: 'The kit is what a stranger reads to write a connector.',
      severity: 'error',
      from: { path: '^src/kit/' },
      to: { path: '^src/engine/' },
    },
    {
      name: 'sandbox-stands-alone',
      comment: 'The sandbox is the other side: what it shared with us, it could not contradict.',
      severity: 'error',
      from: { path: '^sandbox/' },
      to: { path: '^(src|connectors|scripts|bin|supabase)/' },
    },
    {
      name: 'nothing-imports-tests',
      comment: 'Tests and benchmarks are imported by themselves only.',
      severity: 'error',
      from: { pathNot: '^(test|bench)/|\\.test\\.ts$' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-dev-dependency',
      comment: 'What is shipped runs without the development dependencies.',
      severity: 'error',
      from: { path: '^(src|connectors|sandbox|bin|supabase)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|bench/peers|dashboard/dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
