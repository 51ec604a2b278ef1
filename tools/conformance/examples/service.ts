import type { Family } from '../example.ts'
import { without } from './scripts.ts'

const unit = `[Unit]\\nDescription=A demonstration\\n[Service]\\nExecStart=/bin/sleep 4242\\nExecReload=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n`
const stop = 'systemctl stop reops-demo'
const start = 'systemctl start reops-demo'
const input = { name: 'reops-demo' }
const none = { name: 'reops-none' }
const changed = { changed: true }
const exit = { kind: 'exit', code: 1 } as const

export const services: Family = {
  name: 'service',
  needs: ['systemctl', 'journalctl'],
  setUp: `printf '${unit}' >/etc/systemd/system/reops-demo.service; systemctl daemon-reload; ${start}`,
  cleanUp: `${stop}; rm /etc/systemd/system/reops-demo.service; systemctl daemon-reload`,
  examples: [
    { operation: 'service.status', input, gives: { state: 'running', enabled: false } },
    { operation: 'service.status', name: 'no such service', input: none, gives: { exists: false } },
    { operation: 'service.list', gives: { services: [{ name: 'reops-demo', state: 'running' }] } },
    { operation: 'service.logs', input, gives: { source: 'journal' } },
    { operation: 'service.logs', name: 'nothing is there', input: none, ...without('journalctl'), fails: exit },
    { operation: 'service.reload', input, gives: changed },
    { operation: 'service.reload', name: 'no such service', input: none, fails: exit },
    { operation: 'service.restart', input, gives: changed },
    { operation: 'service.restart', name: 'no such service', input: none, fails: exit },
    { operation: 'service.stop', input, setUp: start, gives: changed },
    { operation: 'service.stop', name: 'it is', input, setUp: stop, gives: { changed: false } },
    { operation: 'service.stop', name: 'no such service', input: none, fails: exit },
    { operation: 'service.start', input, setUp: stop, gives: changed },
    {
      operation: 'service.start',
      name: 'dry',
      input: { ...input, dry: true },
      setUp: stop,
      gives: { wouldChange: true },
    },
    { operation: 'service.start', name: 'no such service', input: none, fails: exit },
    { operation: 'service.enable', input, setUp: 'systemctl -q disable reops-demo', gives: changed },
    { operation: 'service.enable', name: 'no such service', input: none, fails: exit },
    { operation: 'service.disable', input, setUp: 'systemctl -q enable reops-demo', gives: changed },
    { operation: 'service.disable', name: 'no such service', input: none, fails: exit },
  ],
}
