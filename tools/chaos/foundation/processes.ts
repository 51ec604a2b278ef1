import { readdirSync, readFileSync } from 'node:fs'

export type Process = { pid: number; command: string }

/** Processes of this computer whose command line or environment names `text`, zombies left out. */
export const processesNaming = (text: string): Process[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8')
        const named = command.includes(text) || environment.includes(text)
        return command !== '' && named ? [{ pid: Number(name), command }] : []
      } catch {
        return [] // ended while we looked
      }
    })

/** Living processes by the one that started them, from one look at all. */
export const childrenByParent = (): ReadonlyMap<number, readonly number[]> => {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc').filter(one => /^\d+$/.test(one)))
    try {
      // "pid (name) state parent": the name may hold blanks and parentheses, so from the last one.
      const text = readFileSync(`/proc/${name}/stat`, 'latin1')
      const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      if (state !== 'Z') children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)])
    } catch {
      // Ended while we looked.
    }
  return children
}
