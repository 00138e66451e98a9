import { request, type TestResponse } from '@shop/testing/http.ts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

/** The part of an OpenAPI document that a response is held against. */
export interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: object;
}

/** A client of the running gateway that holds every answer against the API's own description. */
export interface DescribedClient {
  description: Description;
  get(path: string, headers?: Record<string, string>): Promise<TestResponse>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestResponse>;
  delete(path: string, headers?: Record<string, string>): Promise<TestResponse>;
}

/** The gateway that these tests talk to. */
export function baseUrl(): string {
  const url = process.env.E2E_BASE_URL;
  if (!url) throw new Error('E2E_BASE_URL is not set: run these tests with "npm test".');
  return url;
}

/**
 * Makes such a client. Each of its calls throws when the answer is not one that the description has for this path,
 * method and status: an undocumented status, another media type, a body that does not fit the schema.
 */
export async function describedClient(): Promise<DescribedClient> {
  const { body: description } = await request<Description>(`${baseUrl()}/openapi.json`);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', components: description.components });
  const validators = new Map<string, ValidateFunction>();

  /** The validator of one answer's body; its references lead into the whole document. */
  const validatorOf = (template: string, method: string, { status, headers }: TestResponse): ValidateFunction => {
    const mediaType = headers.get('content-type')?.split(';')[0] ?? 'none';
    const key = `${method} ${template} ${status} ${mediaType}`;
    const schema = description.paths[template]?.[method]?.responses[String(status)]?.content?.[mediaType]?.schema;
    if (!schema) throw new Error(`${key} is not described in /openapi.json`);
    const known = validators.get(key);
    if (known) return known;
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/'));
    const validate = ajv.compile(absolute);
    validators.set(key, validate);
    return validate;
  };

  const send = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const response = await request(baseUrl() + path, {
      method: method.toUpperCase(),
      ...(body === undefined ? {} : { body }),
      ...(headers ? { headers } : {}),
    });
    const template = templateOf(path.split('?')[0] as string, Object.keys(description.paths));
    const validate = validatorOf(template, method, response);
    if (!validate(response.body)) {
      throw new Error(
        `${method} ${path} ${response.status} does not fit /openapi.json: ${ajv.errorsText(validate.errors)}`,
      );
    }
    return response;
  };
  return {
    description,
    get: (path, headers) => send('get', path, undefined, headers),
    post: (path, body, headers) => send('post', path, body, headers),
    put: (path, body, headers) => send('put', path, body, headers),
    patch: (path, body, headers) => send('patch', path, body, headers),
    delete: (path, headers) => send('delete', path, undefined, headers),
  };
}

/** The path template of a path: `/api/products/{id}` for `/api/products/7`. */
function templateOf(path: string, templates: string[]): string {
  const segments = path.split('/');
  const fits = (template: string) => {
    const parts = template.split('/');
    return (
      parts.length === segments.length && parts.every((part, index) => /^{.*}$/.test(part) || part === segments[index])
    );
  };
  const [template] = templates.filter(fits).toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')));
  if (!template) throw new Error(`${path} is not described in /openapi.json`);
  return template;
}
