// `npm run lint` holds the imports of all folders against these rules, those of types among them.
import { readFileSync } from 'node:fs';

/** What the code of each folder may import of the others; CONTRIBUTING.md has the same table, and a test compares the two. */
export const shipped = {
  'service-kit': [],
  db: ['service-kit'],
  resources: ['db', 'service-kit'],
  catalogue: ['resources', 'db', 'service-kit'],
  'catalog-service': ['catalogue', 'resources', 'db', 'service-kit'],
  'tagging-service': ['catalogue', 'resources', 'db', 'service-kit'],
  gateway: ['service-kit'],
};

export const unshipped = {
  tools: ['catalogue', 'db', 'service-kit'],
  testing: ['tools', 'resources', 'db', 'service-kit'],
  verification: ['testing', 'tools', 'catalogue', 'db', 'service-kit'],
  e2e: ['verification', 'testing', 'tools', 'db', 'service-kit'],
  bench: ['tools', 'db', 'service-kit'],
  scripts: [...Object.keys(shipped), 'tools', 'testing', 'verification', 'e2e'],
};

const folders = { ...shipped, ...unshipped };
const names = Object.keys(folders).join('|');
const tests = '[.]test[.]ts$|/testing[.]ts$';

const importTable = Object.entries(folders).flatMap(([name, others]) => [
  {
    name: `imports-of-${name}`,
    comment: `${name} may import ${others.join(', ') || 'nothing else'} (the table in CONTRIBUTING.md)`,
    severity: 'error',
    from: { path: `^${name}/`, pathNot: tests },
    to: { path: `^(${names})/`, pathNot: `^(${[name, ...others].join('|')})/|^scripts/heap-bound[.]ts$` },
  },
  {
    name: `imports-of-tests-in-${name}`,
    comment: `beyond what ${name} may import, its tests may import testing and tools`,
    severity: 'error',
    from: { path: `^${name}/.*(${tests})` },
    to: { path: `^(${names})/`, pathNot: `^(${[name, ...others, 'testing', 'tools'].join('|')})/` },
  },
]);

/** The folders whose packages a folder's package.json names; the root's, what those name whom all tests need. */
function declaredBy(folder) {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(new URL(`${folder}/package.json`, import.meta.url), 'utf8'),
  );
  const packages = Object.keys({ ...dependencies, ...devDependencies });
  return packages.filter((name) => name.startsWith('@shop/')).map((name) => name.slice('@shop/'.length));
}

const forTests = declaredBy('.');

const declarations = Object.keys(folders).map((name) => ({
  name: `declared-by-${name}`,
  comment: `${name}/package.json has to name what ${name} imports`,
  severity: 'error',
  from: { path: `^${name}/` },
  to: {
    path: `^(${names})/`,
    pathNot: `^(${[name, ...declaredBy(name), ...forTests].join('|')})/|^scripts/heap-bound[.]ts$`,
  },
}));

export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...importTable,
    ...declarations,
    {
      name: 'declared',
      comment:
        'a package that is imported stands in the package.json of the folder; what all tests need, in that of the root',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'shipped-without-development',
      comment: 'shipped code imports no package that is there for development',
      severity: 'error',
      from: { path: `^(${[...Object.keys(shipped), 'tools'].join('|')})/`, pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    // What it does without a TypeScript compiler's own interface, which version 7 does not have.
    parser: 'swc',
    combinedDependencies: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
};
