import type { Family } from '../example.ts'
import { portOpens, running, stopping, without } from './scripts.ts'

const web = 'http://127.0.0.1:8082'

export const network: Family = {
  name: 'network',
  needs: ['busybox', 'ip'],
  setUp: `mkdir -p /srv/web; echo content >/srv/web/index.html
${running('reops-web', 'busybox httpd -f -p 127.0.0.1:8082 -h /srv/web')}
${portOpens(8082)}
ip link add reops0 type veth peer name reops1
ip addr add 198.51.100.1/24 dev reops0; ip link set reops0 up; ip link set reops1 up
ip neigh replace 198.51.100.7 lladdr 02:00:00:00:00:07 dev reops0 nud permanent
ip route add 203.0.113.0/24 via 198.51.100.7`,
  cleanUp: `${stopping('reops-web')}; ip link del reops0`,
  examples: [
    { operation: 'network.connections', gives: {} },
    { operation: 'network.http', needs: ['curl'], input: { url: `${web}/` }, gives: { status: 200 } },
    {
      operation: 'network.http',
      name: 'not found',
      needs: ['curl'],
      input: { url: `${web}/none` },
      gives: { status: 404 },
    },
    { operation: 'network.http', name: 'refused', needs: ['curl'], input: { url: 'http://127.0.0.1:1/' } },
    {
      operation: 'network.http',
      name: 'nothing to ask with',
      input: { url: `${web}/` },
      ...without('curl', 'wget'),
      fails: { kind: 'exit' },
    },
    { operation: 'network.interfaces', gives: [{ name: 'reops0' }] },
    { operation: 'network.neighbours', gives: [{ address: '198.51.100.7' }] },
    { operation: 'network.port', input: { host: '127.0.0.1', port: 8082 }, gives: { open: true } },
    { operation: 'network.port', name: 'refused', input: { host: '127.0.0.1', port: 1 }, gives: { open: false } },
    {
      operation: 'network.port',
      name: 'not resolved',
      input: { host: 'none.invalid', port: 1 },
      gives: { open: false },
    },
    { operation: 'network.resolve', input: { name: 'localhost' } },
    { operation: 'network.resolve', name: 'not found', input: { name: 'none.invalid' } },
    { operation: 'network.routes', gives: [{ gateway: '198.51.100.7' }] },
    { operation: 'port.list', gives: [{ port: 8082, process: 'busybox' }] },
    { operation: 'wait.http', needs: ['curl'], input: { url: `${web}/`, timeoutMs: 5000 } },
    {
      operation: 'wait.http',
      name: 'another status',
      needs: ['curl'],
      input: { url: `${web}/none`, status: 200, timeoutMs: 300, intervalMs: 100 },
      fails: { kind: 'exit', code: 124 },
      ownWords: true,
    },
    { operation: 'wait.port', input: { port: 8082, timeoutMs: 5000 } },
    {
      operation: 'wait.port',
      name: 'not open',
      input: { port: 1, timeoutMs: 100, intervalMs: 50 },
      fails: { kind: 'exit', code: 124 },
      ownWords: true,
    },
  ],
}

export const wait: Family = {
  name: 'wait',
  examples: [
    { operation: 'wait.file', input: { path: '/etc/passwd', contains: 'root:' } },
    {
      operation: 'wait.file',
      name: 'without the text',
      input: { path: '/etc/passwd', contains: 'reops', timeoutMs: 100, intervalMs: 50 },
      fails: { kind: 'exit', code: 124 },
      ownWords: true,
    },
    { operation: 'wait.process', input: { name: 'systemd' } },
    {
      operation: 'wait.process',
      name: 'does not run',
      input: { name: 'reops-none', timeoutMs: 100, intervalMs: 50 },
      fails: { kind: 'exit', code: 124 },
      ownWords: true,
    },
  ],
}
