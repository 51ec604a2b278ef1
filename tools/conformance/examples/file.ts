import type { Example, Family } from '../example.ts'
import { portOpens, running, stopping } from './scripts.ts'

const at = '/scratch/files'
/** The same files with the same times before each call. */
const fresh = `rm -rf ${at}; mkdir -p ${at}/sub ${at}/closed; chmod 700 ${at}/closed; cd ${at}
printf 'one\\ntwo\\n' >a.txt; printf '\\377\\376' >binary; echo "it's" >"sub/b c.txt"; ln -s a.txt link
tar -cf ../files.tar a.txt sub; mv ../files.tar pack.tar
find . -exec touch -h -d '2026-01-02 03:04:05Z' {} +`
const changed = { changed: true }
const unchanged = { changed: false }
const exit = (code: number) => ({ kind: 'exit', code }) as const

const example = (operation: string, name: string, input: object, rest: Partial<Example>): Example => ({
  operation,
  name,
  input,
  setUp: fresh,
  ...rest,
})

const looks: readonly Example[] = [
  example('file.checksum', 'sha256', { path: `${at}/a.txt` }, {}),
  example('file.checksum', 'not there', { path: `${at}/none` }, { fails: { kind: 'exit' } }),
  example('file.find', 'by name', { path: at, name: '*.txt' }, { gives: { entries: [{ path: `${at}/sub/b c.txt` }] } }),
  example('file.find', 'not there', { path: `${at}/none` }, { fails: exit(1) }),
  example('file.list', 'a folder', { path: at }, { gives: { entries: [{ path: `${at}/link` }] } }),
  example('file.list', 'a file', { path: `${at}/a.txt` }, { fails: exit(1) }),
  example('file.read', 'text', { path: `${at}/a.txt` }, { gives: { content: 'one\ntwo\n' } }),
  example('file.read', 'base64', { path: `${at}/binary`, encoding: 'base64' }, { gives: { content: '//4=' } }),
  example('file.read', 'not text', { path: `${at}/binary` }, { fails: { kind: 'invalid' } }),
  example('file.read', 'not there', { path: `${at}/none` }, { fails: { kind: 'exit' } }),
  example('file.stat', 'a link', { path: `${at}/link` }, {}),
  example('file.stat', 'not there', { path: `${at}/none` }, {}),
  example('file.stat', 'below a file', { path: `${at}/a.txt/x` }, {}),
  example(
    'file.stat',
    'not allowed',
    { path: `${at}/closed/x`, become: { user: 'daemon' } },
    { needs: ['sudo'], fails: exit(1) },
  ),
]

const changes: readonly Example[] = [
  example(
    'archive.create',
    'gzip',
    { archive: '/scratch/made.tgz', from: at },
    { gives: changed, cleanUp: 'rm -f /scratch/made.tgz' },
  ),
  example('archive.create', 'not a folder', { archive: '/scratch/made.tgz', from: `${at}/a.txt` }, { fails: exit(1) }),
  example('archive.extract', 'a tar', { archive: `${at}/pack.tar`, into: `${at}/out` }, { gives: changed }),
  example(
    'archive.extract',
    'not an archive',
    { archive: `${at}/a.txt`, into: `${at}/out` },
    { fails: { kind: 'exit' } },
  ),
  example('directory.ensure', 'made', { path: `${at}/x/y`, mode: '0750', owner: 'daemon' }, { gives: changed }),
  example('directory.ensure', 'a file is there', { path: `${at}/a.txt` }, { fails: exit(1) }),
  example('file.line', 'replaced', { path: `${at}/a.txt`, match: '^t', line: 'three' }, { gives: changed }),
  example('file.line', 'it is so', { path: `${at}/a.txt`, line: 'two' }, { gives: unchanged }),
  example('file.line', 'no such file', { path: `${at}/none`, line: 'x' }, { fails: exit(1) }),
  example(
    'file.permissions',
    'recursive',
    { path: `${at}/sub`, mode: '0600', directoryMode: '0700', recursive: true },
    { gives: changed },
  ),
  example(
    'file.permissions',
    'no such user',
    { path: `${at}/a.txt`, owner: 'reops-nobody' },
    { fails: { kind: 'exit' } },
  ),
  example('file.remove', 'a folder', { path: `${at}/sub`, recursive: true }, { gives: changed }),
  example('file.remove', 'is not empty', { path: `${at}/sub` }, { fails: exit(1) }),
  example(
    'file.write',
    'text',
    { path: `${at}/new.txt`, content: "it's\n\t$HOME\n", mode: '0640' },
    { gives: changed },
  ),
  example('file.write', 'it is so', { path: `${at}/a.txt`, content: 'one\ntwo\n' }, { gives: unchanged }),
  example(
    'file.write',
    'long',
    { path: `${at}/long`, content: 'ä0123456789abcde\n'.repeat(8_000) },
    { gives: changed },
  ),
  example('file.write', 'dry', { path: `${at}/a.txt`, content: '', dry: true }, { gives: { wouldChange: true } }),
  example('file.write', 'no such folder', { path: `${at}/none/x`, content: '' }, { fails: { kind: 'exit' } }),
  example('link.ensure', 'made', { path: `${at}/to`, target: 'a.txt' }, { gives: changed }),
  example('link.ensure', 'a file is there', { path: `${at}/a.txt`, target: 'x' }, { fails: exit(1) }),
]

const url = 'http://127.0.0.1:8081'
export const file: Family = { name: 'file', examples: [...looks, ...changes] }

export const download: Family = {
  name: 'download',
  needs: ['busybox', 'curl'],
  setUp: `mkdir -p /srv/download; echo content >/srv/download/file\n${running('reops-download', 'busybox httpd -f -p 127.0.0.1:8081 -h /srv/download')}\n${portOpens(8081)}`,
  cleanUp: stopping('reops-download'),
  examples: [
    example('download', 'with curl', { url: `${url}/file`, path: `${at}/got` }, { gives: changed }),
    example('download', 'not found', { url: `${url}/none`, path: `${at}/got` }, { fails: { kind: 'exit' } }),
    example(
      'download',
      'another checksum',
      { url: `${url}/file`, path: `${at}/got`, checksum: `md5:${'0'.repeat(32)}` },
      { fails: { kind: 'exit' } },
    ),
  ],
}
