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
