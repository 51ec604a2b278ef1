# re-gent: the agent, here as a small host of its own. The context is dist/re-gent (npm run bundle); nothing is fetched
# here. Healthy means enrolled and running; whether a session is live is what re-mote says (`reops hosts`).
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE}
RUN install -d -o node -g node -m 0700 /var/lib/re-gent
COPY . /opt/re-gent
ENV REGENT_STATE=/var/lib/re-gent
WORKDIR /var/lib/re-gent
USER node
VOLUME /var/lib/re-gent
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "process.kill(JSON.parse(fs.readFileSync(`${process.env.REGENT_STATE}/agent.json`, 'utf8')).pid, 0)"]
ENTRYPOINT ["node", "/opt/re-gent/main.cjs"]
