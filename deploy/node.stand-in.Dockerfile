# Stand-in for node:24-bookworm-slim where no image registry can be reached: plain Debian 12, the node of the npm package
# node@24, and the user `node` (1000) of the public image. Built by tools/images/stand-ins.ts.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY node /usr/local/bin/node
CMD ["node"]
