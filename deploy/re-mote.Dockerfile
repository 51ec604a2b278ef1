# re-mote: the service, and the brokers it starts. The context is dist/re-mote (npm run bundle); nothing is fetched here.
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
RUN install -d -o node -g node -m 0700 /var/lib/re-mote
COPY . /opt/re-mote
ENV NODE_ENV=production \
    REOPS_STATE=/var/lib/re-mote \
    REMOTE_HOST=0.0.0.0 \
    REMOTE_PORT=7020 \
    REMOTE_BROKER_HOST=0.0.0.0 \
    REMOTE_BROKER_PORT=7022
WORKDIR /var/lib/re-mote
USER node
VOLUME /var/lib/re-mote
EXPOSE 7020 7022
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.REMOTE_PORT}/ready`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/re-mote/main.mjs"]
