import { request } from '@shop/testing/http.ts';

/** A JSON schema, as far as values are made from it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  readOnly?: boolean;
  example?: unknown;
}

export interface Parameter {
  in: 'path' | 'query' | 'header';
  name: string;
  schema: Schema;
}

/** A documented answer. */
export interface DocumentedResponse {
  description: string;
  headers?: Record<string, { required?: boolean }>;
  content?: Record<string, { schema: Schema }>;
}

/** An operation of the API, as the document describes it. */
export interface Operation {
  operationId: string;
  method: string;
  /** `/api/products/{id}` */
  template: string;
  parameters: Parameter[];
  body: Schema | undefined;
  responses: Record<string, DocumentedResponse>;
}

export interface ApiDocument {
  operations: Operation[];
  schemas: Record<string, Schema>;
}

interface RawOperation extends Omit<Operation, 'method' | 'template' | 'parameters' | 'body'> {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

/** Reads the description of the API that a gateway serves. */
export async function readDocument(gateway: string): Promise<ApiDocument> {
  const { body } = await request<{
    paths: Record<string, Record<string, RawOperation>>;
    components: { schemas: Record<string, Schema> };
  }>(`${gateway}/openapi.json`);
  const operations = Object.entries(body.paths).flatMap(([template, item]) =>
    Object.entries(item).map(([method, { parameters = [], requestBody, ...operation }]) => ({
      ...operation,
      method: method.toUpperCase(),
      template,
      parameters,
      body: requestBody?.content['application/json']?.schema,
    })),
  );
  return { operations, schemas: body.components.schemas };
}

/** The path template that a gateway finds for a path; undefined where the document has none. */
export function templateAt({ operations }: ApiDocument, path: string): string | undefined {
  const segments = path.replace(/(?<=.)\/$/, '').split('/');
  const fits = (template: string) => {
    const parts = template.split('/');
    return (
      parts.length === segments.length &&
      parts.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]))
    );
  };
  // A word of its own comes before a parameter in the same place.
  const [found] = operations
    .map(({ template }) => template)
    .filter(fits)
    .toSorted((a, b) => Number(a.includes('{')) - Number(b.includes('{')));
  return found;
}
