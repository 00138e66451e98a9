import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..');
const textOf = (file: string) => readFile(path.join(root, file), 'utf8');

interface Manifest {
  workspaces: string[];
  scripts: Record<string, string>;
  dependencies?: Record<string, string>;
}
const manifestOf = async (folder: string): Promise<Manifest> => JSON.parse(await textOf(`${folder}/package.json`));

const rules = path.join(root, '.dependency-cruiser.mjs');
const { shipped, unshipped } = (await import(rules)) as Record<'shipped' | 'unshipped', Record<string, string[]>>;
const { workspaces, scripts } = await manifestOf('.');

/** A package and all that it imports, at first or second hand. */
async function closureOf(folder: string): Promise<string[]> {
  const own = Object.keys((await manifestOf(folder)).dependencies ?? {}).flatMap(
    (name) => name.match(/^@shop\/(.+)/)?.[1] ?? [],
  );
  const others = await Promise.all(own.map(closureOf));
  return [...new Set([folder, ...others.flat()])].toSorted();
}

/** The rows of CONTRIBUTING's tables: what each folder may import. */
async function documentedImports(): Promise<Record<string, string[]>> {
  const rows = [
    ...(await textOf('CONTRIBUTING.md')).matchAll(/^\| (`[\w-]+\/`(?:, `[\w-]+\/`)*) \|[^|]*\| ([^|]*) \|$/gm),
  ];
  const documented = rows.flatMap(([, names = '', imports = '']) => {
    const others = [...imports.matchAll(/`([\w-]+)`/g)].map(([, name]) => name as string);
    const all = Object.keys({ ...shipped, ...unshipped }).filter(
      (name) => name !== 'scripts' && !others.includes(name),
    );
    const allowed = imports.startsWith('all but') ? all : others;
    return [...names.matchAll(/`([\w-]+)\/`/g)].map(([, name]) => [name as string, allowed.toSorted()] as const);
  });
  return Object.fromEntries(documented.filter(([name]) => workspaces.includes(name)));
}

describe('The layout', () => {
  test('When CONTRIBUTING says what a folder may import, then the linter allows just that', async () => {
    const enforced = Object.entries({ ...shipped, ...unshipped }).map(([name, others]) => [name, others.toSorted()]);

    expect(await documentedImports()).toEqual(Object.fromEntries(enforced));
  });

  test('When a folder is a workspace, then the linter reads it', () => {
    expect(Object.keys({ ...shipped, ...unshipped }).toSorted()).toEqual(workspaces.toSorted());
    expect(scripts['lint:imports']?.split(' ')).toEqual(expect.arrayContaining(workspaces));
  });

  test.each([...Object.keys(shipped).filter((name) => /service$|gateway/.test(name)), 'tools'])(
    'When the image of %s is built, then it has the code that it imports, and no other',
    async (service) => {
      const stage =
        new RegExp(`^FROM scratch AS ${service}-code\n((?:COPY .*\n)+)`, 'm').exec(await textOf('Dockerfile'))?.[1] ??
        '';
      const copied = [...stage.matchAll(/^COPY (\S+) \/\1$/gm)].map(([, folder]) => folder as string);

      expect(copied.toSorted()).toEqual(await closureOf(service));
    },
  );

  test('When dependencies are installed for an image, then the package.json of every workspace is there', async () => {
    const [dockerfile, ignored] = await Promise.all([textOf('Dockerfile'), textOf('.dockerignore')]);

    for (const folder of workspaces) {
      expect(dockerfile).toContain(`COPY ${folder}/package.json ${folder}/\n`);
      expect(ignored).toMatch(new RegExp(`^!${folder}(?:/package[.]json)?$`, 'm'));
    }
  });
});
