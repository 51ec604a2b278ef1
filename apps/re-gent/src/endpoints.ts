const here = /^(127\.\d+\.\d+\.\d+|0\.0\.0\.0|localhost|\[::1?\])$/
const parts = /^tcp:\/\/(.+):(\d+)$/

/**
 * A broker that names its own loopback (or all its addresses) is meant by it for its own host. On another one it is looked
 * for where re-mote is: who answers there proves itself by its key. What it named is tried after that: it may be a tunnel.
 */
export const endpointsFor = (endpoints: readonly string[], url: string | undefined): readonly string[] => {
  const home = url === undefined ? undefined : new URL(url).hostname
  if (home === undefined || here.test(home)) return endpoints
  const seen = endpoints.map(endpoint => {
    const [, host = '', port = ''] = parts.exec(endpoint) ?? []
    return here.test(host) ? `tcp://${home}:${port}` : endpoint
  })
  return [...new Set([...seen, ...endpoints])]
}
