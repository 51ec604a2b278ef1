import type { Example, Family } from '../example.ts'
import { without } from './scripts.ts'

const job = { name: 'job', user: 'daemon', schedule: '15 3 * * 1-5', command: `echo 'a  b' "$HOME" \\%` }
const made = `printf '# re-ops: job\\n' >/dev/null; crontab -u daemon -r 2>/dev/null || :; rm -f /etc/cron.d/job`
const ensure = (name: string, more: object, rest: Omit<Example, 'operation' | 'name' | 'input'>): Example => ({
  operation: 'cron.ensure',
  name,
  input: { ...job, ...more },
  setUp: made,
  cleanUp: made,
  ...rest,
})

export const cron: Family = {
  name: 'cron',
  needs: ['crontab'],
  examples: [
    ensure('in a crontab', {}, { gives: { changed: true } }),
    ensure('a file', { where: 'cron.d' }, { gives: { changed: true } }),
    ensure('dry', { dry: true }, { gives: { changed: false, wouldChange: true } }),
    ensure('no such user', { user: 'reops-nobody' }, { fails: { kind: 'exit', code: 1 } }),
    { operation: 'cron.list', name: 'of all' },
    {
      operation: 'cron.list',
      name: 'of a user',
      input: { user: 'daemon' },
      setUp: `echo '5 4 * * * true' | crontab -u daemon -`,
      cleanUp: made,
      gives: [{ schedule: '5 4 * * *', command: 'true', user: 'daemon' }],
    },
    { operation: 'cron.list', name: 'not root', needs: ['sudo'], input: { user: 'root', become: { user: 'daemon' } } },
    {
      operation: 'cron.remove',
      input: { name: 'job', user: 'daemon', where: 'cron.d' },
      setUp: 'echo "5 4 * * * daemon true" >/etc/cron.d/job',
      gives: { changed: true },
    },
    {
      operation: 'cron.remove',
      name: 'is not there',
      input: { name: 'job', user: 'daemon' },
      gives: { changed: false },
    },
    {
      operation: 'cron.remove',
      name: 'no crontab',
      input: { name: 'job', user: 'daemon' },
      ...without('crontab'),
      fails: { kind: 'exit', code: 1 },
    },
  ],
}
