import type { Family } from '../example.ts'
import { portOpens, running, stopping, without } from './scripts.ts'

const made = `rm -rf /srv/tls; mkdir -p /srv/tls/sub; cd /srv/tls
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out site.pem -days 90 -subj '/O=A, B/CN=www.example.org' -addext 'subjectAltName=DNS:www.example.org,IP:192.0.2.7' 2>/dev/null
openssl x509 -in site.pem -outform DER -out sub/site.der
${running('reops-tls', 'openssl s_server -accept 127.0.0.1:8443 -cert /srv/tls/site.pem -key /srv/tls/key.pem -quiet')}
${portOpens(8443)}`
const exit = { kind: 'exit', code: 1 } as const

export const certificates: Family = {
  name: 'certificate',
  needs: ['openssl'],
  setUp: made,
  cleanUp: stopping('reops-tls'),
  examples: [
    { operation: 'certificate.file', input: { path: '/srv/tls/site.pem' }, gives: { names: ['DNS:www.example.org'] } },
    { operation: 'certificate.file', name: 'a key', input: { path: '/srv/tls/key.pem' }, fails: exit },
    { operation: 'certificate.find', input: { folder: '/srv/tls' }, gives: [{ path: '/srv/tls/site.pem' }] },
    { operation: 'certificate.find', name: 'not a folder', input: { folder: '/srv/tls/none' }, fails: exit },
    {
      operation: 'certificate.remote',
      input: { host: '127.0.0.1', port: 8443, serverName: 'www.example.org' },
      gives: { trusted: false },
    },
    { operation: 'certificate.remote', name: 'nothing listens', input: { host: '127.0.0.1', port: 1 }, fails: exit },
  ],
}

const rules = `nft flush ruleset
nft add table inet reops; nft add chain inet reops in '{ type filter hook input priority 0; policy accept; }'
nft add rule inet reops in tcp dport 22 counter accept`

export const security: Family = {
  name: 'security',
  examples: [
    {
      operation: 'firewall.state',
      name: 'none',
      needs: ['nft'],
      setUp: 'nft flush ruleset',
      gives: { active: 'none' },
    },
    {
      operation: 'firewall.state',
      needs: ['nft'],
      setUp: rules,
      cleanUp: 'nft flush ruleset',
      gives: { active: 'nft', rules: 1 },
    },
    {
      operation: 'firewall.state',
      name: 'not root',
      needs: ['nft', 'sudo'],
      input: { become: { user: 'daemon' } },
      fails: exit,
    },
    { operation: 'firewall.rules', needs: ['nft'], setUp: rules, cleanUp: 'nft flush ruleset', gives: { total: 1 } },
    {
      operation: 'firewall.rules',
      name: 'not root',
      needs: ['nft', 'sudo'],
      input: { become: { user: 'daemon' } },
      fails: exit,
    },
    {
      operation: 'login.failures',
      needs: ['journalctl'],
      setUp:
        'logger -t sshd "Failed password for invalid user admin from 203.0.113.5 port 4242 ssh2"; journalctl --sync',
      gives: { source: 'journal', attempts: [{ address: '203.0.113.5', user: 'admin' }] },
    },
    {
      operation: 'login.failures',
      name: 'nothing to read',
      setUp: `${without('journalctl', 'lastb').setUp}\nmkdir -p /scratch/log; mount --bind /scratch/log /var/log`,
      cleanUp: `umount /var/log\n${without().cleanUp}`,
      fails: exit,
    },
    { operation: 'security.vulnerabilities' },
    { operation: 'session.list', gives: [{ user: 'root', kind: 'ssh' }] },
  ],
}
