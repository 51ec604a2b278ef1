import type { Family } from '../example.ts'
import { portOpens, running, stopping } from './scripts.ts'

const daemon =
  'dockerd --storage-driver vfs --iptables=false --ip6tables=false --bridge none --data-root /srv/docker --exec-root /run/reops-docker --pidfile /run/reops-docker.pid'
const registry =
  'version: 0.1\\nstorage:\\n  filesystem:\\n    rootdirectory: /srv/registry\\nhttp:\\n  addr: 127.0.0.1:5000\\n'
/** An image of one program, in a registry of the machine's own. */
const setUp = `rm -f /etc/docker/daemon.json
${running('reops-docker', daemon)}
n=0; until docker info >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 200 ]; sleep 0.1; done
rm -rf image; mkdir -p image/bin; cp "$(command -v busybox)" image/bin/; ln -s busybox image/bin/sh
for file in $(ldd image/bin/busybox 2>/dev/null | grep -o '/[^ ]*'); do mkdir -p "image$(dirname "$file")"; cp "$file" "image$file"; done
tar -C image -c . | docker import - reops:1 >/dev/null
printf '${registry}' >/etc/reops-registry.yml
${running('reops-registry', 'docker-registry serve /etc/reops-registry.yml')}
${portOpens(5000)}
docker tag reops:1 127.0.0.1:5000/reops:1; docker push -q 127.0.0.1:5000/reops:1
docker run -d --name reops-runs --network none reops:1 sh -c 'echo out; echo err >&2; busybox sleep 4242' >/dev/null`
const input = { name: 'reops-made', image: 'reops:1', network: 'none', command: ['busybox', 'sleep', '4242'] }
const none = 'docker rm -f reops-made >/dev/null 2>&1 || :'
const there = `${none}; docker run -d --name reops-made --network none reops:1 busybox sleep 4242 >/dev/null`
const exit = { kind: 'exit', code: 1 } as const
const away = { setUp: 'mv /run/docker.sock /run/docker.away', cleanUp: 'mv /run/docker.away /run/docker.sock' }

export const docker: Family = {
  name: 'docker',
  needs: ['docker', 'dockerd', 'docker-registry', 'busybox'],
  setUp,
  cleanUp: `docker rm -f reops-runs reops-made >/dev/null 2>&1 || :; ${stopping('reops-registry', 'reops-docker')}`,
  examples: [
    { operation: 'docker.containers', gives: [{ name: 'reops-runs', state: 'running' }] },
    { operation: 'docker.containers', name: 'no daemon', ...away, fails: exit },
    { operation: 'docker.images', gives: [{ repository: 'reops', tag: '1' }] },
    { operation: 'docker.images', name: 'no daemon', ...away, fails: exit },
    {
      operation: 'docker.logs',
      input: { name: 'reops-runs' },
      gives: [
        { text: 'out', stream: 'stdout' },
        { text: 'err', stream: 'stderr' },
      ],
    },
    { operation: 'docker.logs', name: 'no such container', input: { name: 'reops-none' }, fails: exit },
    {
      operation: 'docker.pull',
      input: { image: '127.0.0.1:5000/reops:1' },
      setUp: 'docker rmi 127.0.0.1:5000/reops:1 >/dev/null 2>&1 || :',
    },
    { operation: 'docker.pull', name: 'no such image', input: { image: '127.0.0.1:5000/none:1' }, fails: exit },
    { operation: 'docker.run', input, setUp: none, cleanUp: none, gives: { changed: true, action: 'created' } },
    { operation: 'docker.run', name: 'dry', input: { ...input, dry: true }, setUp: none, gives: { wouldChange: true } },
    {
      operation: 'docker.run',
      name: 'no such image',
      input: { ...input, image: '127.0.0.1:5000/none:1' },
      setUp: none,
      fails: { kind: 'exit' },
    },
    { operation: 'docker.stats', gives: [{ name: 'reops-runs' }] },
    { operation: 'docker.stats', name: 'no daemon', ...away, fails: exit },
    {
      operation: 'docker.stop',
      input: { name: 'reops-made', remove: true, graceSeconds: 0 },
      setUp: there,
      gives: { action: 'removed' },
    },
    {
      operation: 'docker.stop',
      name: 'not there',
      input: { name: 'reops-none', remove: true },
      gives: { action: 'none' },
    },
    { operation: 'docker.stop', name: 'no daemon', input: { name: 'reops-runs' }, ...away, fails: { kind: 'exit' } },
  ],
}
