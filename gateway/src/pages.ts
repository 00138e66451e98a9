import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Problem } from '@shop/service-kit/problem.ts';
import { type ProblemCode, problemCatalogue } from '@shop/service-kit/problem-catalogue.ts';
import { methodNotAllowed } from '@shop/service-kit/router.ts';
import express, { type Response, Router } from 'express';
import type { DocumentText } from './openapi.ts';

const referenceAssets = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Only what this origin serves: no page here needs another one. Swagger UI sets styles on its elements. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A sentence of a problem as HTML; what stands between backticks is code. */
const prose = (text: string): string => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** A small page in the colours of the reader's system. */
const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/page.css">
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`;

const sendPage = (res: Response, html: string): void => {
  res.set('Content-Security-Policy', pagePolicy).type('html').send(html);
};

const asset = (name: string) => readFile(path.join(import.meta.dirname, '../assets', name), 'utf8');

const endpoints = [
  ['/api/categories', 'categories'],
  ['/api/products', 'products'],
  ['/api/tags', 'tags'],
  ['/docs', 'API reference; try every route in the browser'],
  ['/openapi.json', 'the API as an OpenAPI 3.1 document'],
  ['/health', 'health of the gateway and the services'],
  ['/problems', 'error codes of the API'],
] as const;

/** The gateway's own pages: where things are, the reference, the problems. JSON for those who ask for it. */
export async function pageRouter(document: () => Promise<DocumentText>): Promise<Router> {
  const router = Router();
  const files = { 'page.css': 'css', 'reference.js': 'js' } as const;
  for (const [name, type] of Object.entries(files)) {
    const content = await asset(name);
    router.get(`/assets/${name}`, (_req, res) => {
      res.set('Cache-Control', 'public, max-age=3600').type(type).send(content);
    });
  }
  router.use(
    '/assets/reference',
    express.static(referenceAssets, { index: false, redirect: false, maxAge: '1h', extensions: [] }),
  );

  router.get('/', (_req, res) => {
    res.vary('Accept').format({
      json: () => res.json(Object.fromEntries(endpoints.map(([path, what]) => [path, what]))),
      html: () => {
        const rows = endpoints.map(
          ([path, what]) => `<dt><a href="${path}">${path}</a></dt><dd>${escapeHtml(what)}</dd>`,
        );
        sendPage(
          res,
          page(
            'Shop catalogue',
            `<p>The back end of an online shop: categories, products and tags over a REST API.</p>\n<dl>${rows.join('\n')}</dl>`,
          ),
        );
      },
    });
  });

  router.get('/openapi.json', async (_req, res) => {
    const { text, etag } = await document();
    res.set('ETag', etag).type('json').send(text);
  });

  const reference = await asset('reference.html');
  router.get('/docs', (_req, res) => sendPage(res, reference));

  router.get('/problems', (_req, res) => {
    const rows = Object.entries(problemCatalogue).map(
      ([code, { status, title }]) =>
        `<dt><a href="/problems/${code}">${code}</a></dt><dd>${status} · ${escapeHtml(title)}</dd>`,
    );
    sendPage(res, page('Problems', `<dl>${rows.join('\n')}</dl>`));
  });
  router.get('/problems/:code', (req, res) => {
    const { code } = req.params;
    if (!Object.hasOwn(problemCatalogue, code)) throw new Problem('not_found', 'There is no problem with this code.');
    const { status, title, about } = problemCatalogue[code as ProblemCode];
    const body = `<p class="code"><code>${code}</code> · status ${status}</p>\n<p>${prose(about)}</p>\n<p><a href="/problems">All problems</a></p>`;
    sendPage(res, page(title, body));
  });

  const assets = [...Object.keys(files), ...(await readdir(referenceAssets)).map((name) => `reference/${name}`)];
  router.all(
    assets.map((name) => `/assets/${name}`),
    methodNotAllowed(['get']),
  );
  router.all(['/', '/docs', '/openapi.json', '/problems', '/problems/:code'], methodNotAllowed(['get']));
  return router;
}
