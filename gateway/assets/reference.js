// Swagger UI fills in the example of a parameter, and sends it. So here those that may be left out have it in their
// description; the document that is served keeps it, for other tools.
const exampleInWords = ({ example, ...parameter }) => {
  if (parameter.required) return { example, ...parameter };
  const { example: ofSchema, ...schema } = parameter.schema;
  const shown = example ?? ofSchema;
  if (shown === undefined) return parameter;
  const description = parameter.description ?? schema.description ?? '';
  return { ...parameter, schema, description: `${description} For example: \`${shown}\`.`.trim() };
};

const withoutExamples = (text) => {
  const document = JSON.parse(text);
  for (const operation of Object.values(document.paths).flatMap(Object.values)) {
    operation.parameters = operation.parameters?.map(exampleInWords);
  }
  return JSON.stringify(document);
};

const documentUrl = '/openapi.json';

SwaggerUIBundle({
  url: documentUrl,
  dom_id: '#reference',
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The validator badge would ask a server elsewhere.
  validatorUrl: null,
  responseInterceptor: (response) => {
    if (response.ok && new URL(response.url, location.href).pathname === documentUrl) {
      response.text = withoutExamples(response.text);
    }
    return response;
  },
});
