# The one-shot jobs of docker-compose.yml: keys, roles, join. The context is dist/init (npm run bundle). The folders
# give the named volumes mounted on them to the user of all services.
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
RUN install -d -o node -g node -m 0700 /keys/postgres /keys/re-core /keys/re-mote /keys/admin /keys/host-1 /keys/host-2
COPY . /opt/init
ENV NODE_ENV=production
WORKDIR /keys
USER node
ENTRYPOINT ["node", "/opt/init/main.mjs"]
