import { problemCatalogue } from '@shop/service-kit/problem-catalogue.ts';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type ApiDocument, templateAt } from './document.ts';
import type { RawAnswer } from './exchange.ts';
import type { HostileRequest } from './hostile-request.ts';

/** What no answer may tell of how it came about. */
const innards =
  /sequelize|mysql|mariadb|node_modules|\.ts:\d|\bER_[A-Z]{3}|select .+ from|insert into|update `|delete from|file:\/\/|\/(?:home|root|tmp|usr)\/|127\.0\.0\.1|econn/i;

/** What may be answered where the document has no operation. */
const refusals = new Set([
  'not_found',
  'method_not_allowed',
  'validation_failed',
  'malformed_request',
  'invalid_json',
  'body_too_large',
  'unsupported_media_type',
]);

/** Finds what is wrong with an answer by the document; undefined when all is well. */
export type Judge = (hostile: HostileRequest, answer: RawAnswer) => string | undefined;

/** Makes a judge that holds answers against `document`. Each of its schemas is compiled once. */
export function createJudge(document: ApiDocument): Judge {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', components: { schemas: document.schemas } });
  const validators = new Map<object, ValidateFunction>();
  const validatorOf = (schema: object): ValidateFunction => {
    const known = validators.get(schema);
    if (known) return known;
    const compiled = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')));
    validators.set(schema, compiled);
    return compiled;
  };
  const misfit = (schema: object, value: unknown): string | undefined => {
    const validate = validatorOf(schema);
    return validate(value) ? undefined : ajv.errorsText(validate.errors).slice(0, 500);
  };
  const problemSchema = { $ref: '#/components/schemas/Problem' };

  const problemFault = (
    hostile: HostileRequest,
    { status, text }: RawAnswer,
    codes: (code: string) => boolean,
  ): string | undefined => {
    const problem = JSON.parse(text);
    const unfit = misfit(problemSchema, problem);
    if (unfit) return `the problem does not fit its schema: ${unfit}`;
    const { code } = problem as { code: keyof typeof problemCatalogue };
    if (problem.status !== status || problemCatalogue[code]?.status !== status)
      return `${code} is not of status ${status}`;
    if (problem.type !== `/problems/${code}`) return `its type is ${problem.type}`;
    if (!codes(code)) return `${status} ${code} is not documented for it`;
    const told = innards.exec(`${problem.title} ${problem.detail}`)?.[0];
    if (told && !`${hostile.target} ${hostile.body?.text}`.includes(told)) return `the problem tells of ${told}`;
    return undefined;
  };

  return (hostile, answer) => {
    const { status, headers, text } = answer;
    if (status >= 500) return `it is answered ${status}`;
    if (!headers['x-request-id']) return 'the answer has no X-Request-Id';
    const { method, target } = hostile;
    if (method === 'HEAD') return text === '' ? undefined : 'HEAD has a body';
    if (method === 'OPTIONS' && status === 204) return undefined;
    const type = headers['content-type']?.split(';')[0] ?? 'none';
    const template = templateAt(document, target.split('?')[0] as string);
    const operation = document.operations.find((one) => one.method === method && one.template === template);
    if (!operation) {
      if (!target.startsWith('/api/')) return undefined;
      if (type !== 'application/problem+json') return `${status} as ${type}, where no operation is documented`;
      return problemFault(hostile, answer, (code) => refusals.has(code));
    }
    const documented = operation.responses[String(status)];
    if (!documented) return `${status} is not documented for ${operation.operationId}`;
    for (const [name, { required }] of Object.entries(documented.headers ?? {})) {
      if (required && headers[name.toLowerCase()] === undefined)
        return `${status} of ${operation.operationId} has no ${name}`;
    }
    if (status === 304) return text === '' ? undefined : '304 has a body';
    // A replay whose first answer was too large to be kept.
    if (text === '' && headers['idempotency-replayed']) return undefined;
    const schema = documented.content?.[type]?.schema;
    if (!schema) return `${status} as ${type} is not documented for ${operation.operationId}`;
    if (type === 'application/problem+json') {
      return problemFault(hostile, answer, (code) => documented.description.includes(`\`${code}\``));
    }
    const unfit = misfit(schema, type.endsWith('json') ? JSON.parse(text) : text);
    return unfit && `${status} of ${operation.operationId} does not fit its schema: ${unfit}`;
  };
}
