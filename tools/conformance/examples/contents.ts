import { createHash } from 'node:crypto'
import type { Example, Family } from '../example.ts'

const at = '/scratch/contents'
const template = 'port {{ port }}\n'
const fresh = `rm -rf ${at}; mkdir -p ${at}/sub ${at}/facts; cd ${at}
printf 'one\\ntwo\\n' >a.txt; printf 'port {{ port }}\\n' >template; echo three >sub/b; chmod 640 sub/b; ln -s b sub/link
printf '{"rack":7}' >facts/place.json; printf '#!/bin/sh\\necho owner=ops\\n' >facts/team.sh; chmod 755 facts/team.sh
chmod 755 sub`
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
/** How `sub` is listed: its entries by name, each with what it holds. */
const list = `f 0640 ${hashOf('three\n')} 6 b\nl 0777 - - link\n> b\n`
const tree = hashOf(list)
const size = list.length
const exit = (code: number) => ({ kind: 'exit', code }) as const

const example = (operation: string, name: string, input: object, rest: Partial<Example>): Example => ({
  operation,
  name,
  input,
  setUp: fresh,
  ...rest,
})
const text = { hash: hashOf('one\ntwo\n'), size: 8 }

/** Pulled first: what is pushed and rendered afterwards are contents that the service has by then, so these run together only. */
export const contents: Family = {
  name: 'contents',
  cleanUp: `rm -rf ${at}`,
  examples: [
    example('file.pull', 'a file', { path: `${at}/a.txt` }, { gives: { hash: text.hash, bytes: 8, mode: '0644' } }),
    example('file.pull', 'a template', { path: `${at}/template` }, { gives: { hash: hashOf(template) } }),
    example('file.pull', 'not there', { path: `${at}/none` }, { fails: exit(1) }),
    example('folder.pull', 'a folder', { path: `${at}/sub` }, { gives: { tree, entries: 2, files: 1, bytes: 6 } }),
    example('folder.pull', 'a file', { path: `${at}/a.txt` }, { fails: exit(1) }),
    example(
      'file.push',
      'made',
      { ...text, path: `${at}/new`, mode: '0640' },
      { gives: { changed: true, mode: '0640' } },
    ),
    example('file.push', 'it is so', { ...text, path: `${at}/a.txt` }, { gives: { changed: false, transferred: 0 } }),
    example('file.push', 'dry', { ...text, path: `${at}/new`, dry: true }, { gives: { wouldChange: true } }),
    example('file.push', 'no such folder', { ...text, path: `${at}/none/x` }, { fails: exit(1) }),
    example(
      'file.template',
      'rendered',
      { path: `${at}/conf`, template: hashOf(template), values: { port: 8080 } },
      { gives: { changed: true, hash: hashOf('port 8080\n') } },
    ),
    example(
      'file.template',
      'no such folder',
      { path: `${at}/none/x`, template: hashOf(template), values: { port: 1 } },
      { fails: exit(1) },
    ),
    example('folder.sync', 'made', { path: `${at}/copy`, tree, size }, { gives: { changed: true } }),
    example('folder.sync', 'a file is there', { path: `${at}/a.txt`, tree, size }, { fails: exit(1) }),
    example(
      'facts.custom',
      'a file and a program',
      { folder: `${at}/facts` },
      { gives: { place: { rack: 7 }, team: { owner: 'ops' } } },
    ),
  ],
}
