# One file for every image: --build-arg SERVICE=gateway | catalog-service | tagging-service | tools
ARG SERVICE

# The code of each image: what it imports, and nothing else. A test compares these with the packages' dependencies.
FROM scratch AS gateway-code
COPY service-kit /service-kit
COPY gateway /gateway

FROM scratch AS catalog-service-code
COPY service-kit /service-kit
COPY db /db
COPY resources /resources
COPY catalogue /catalogue
COPY catalog-service /catalog-service

FROM scratch AS tagging-service-code
COPY service-kit /service-kit
COPY db /db
COPY resources /resources
COPY catalogue /catalogue
COPY tagging-service /tagging-service

# Not a service: it seeds, migrates, verifies, repairs, saves and restores the database.
FROM scratch AS tools-code
COPY service-kit /service-kit
COPY db /db
COPY resources /resources
COPY catalogue /catalogue
COPY tools /tools

FROM ${SERVICE}-code AS code

FROM node:24-bookworm-slim AS dependencies
ARG SERVICE
WORKDIR /shop
COPY package.json package-lock.json .npmrc ./
COPY service-kit/package.json service-kit/
COPY db/package.json db/
COPY resources/package.json resources/
COPY catalogue/package.json catalogue/
COPY catalog-service/package.json catalog-service/
COPY tagging-service/package.json tagging-service/
COPY gateway/package.json gateway/
COPY tools/package.json tools/
COPY testing/package.json testing/
COPY verification/package.json verification/
COPY e2e/package.json e2e/
COPY bench/package.json bench/
COPY scripts/package.json scripts/
# The service's own dependencies and those of the packages it uses; nothing of the root, which has the tools of development.
RUN npm ci --omit=dev --ignore-scripts --workspace="@shop/${SERVICE}" && npm cache clean --force \
  && rm package.json package-lock.json .npmrc */package.json && find . -maxdepth 1 -type d -empty -delete

FROM node:24-bookworm-slim
ARG SERVICE
ENV NODE_ENV=production ENV_FILE="" BIND_HOST=0.0.0.0
WORKDIR /shop
COPY --from=dependencies /shop ./
COPY --from=code / ./
WORKDIR /shop/${SERVICE}
USER node
ENV PORT_TO_CHECK=3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["sh", "-c", "exec node /shop/service-kit/src/healthcheck.ts \"$PORT_TO_CHECK\""]
# As scripts/heap-bound.ts says: without a bound, Node lets memory grow with that of the machine before it collects any.
CMD ["node", "--max-old-space-size=512", "src/server.ts"]
