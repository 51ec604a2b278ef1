# re-core: systems and their jobs. The context is dist/re-core (npm run bundle); nothing is fetched here.
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
RUN install -d -o node -g node -m 0700 /var/lib/re-core
COPY . /opt/re-core
ENV NODE_ENV=production \
    REOPS_STATE=/var/lib/re-core \
    RECORE_HOST=0.0.0.0 \
    RECORE_PORT=7010
WORKDIR /var/lib/re-core
USER node
VOLUME /var/lib/re-core
EXPOSE 7010
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RECORE_PORT}/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/re-core/main.mjs"]
