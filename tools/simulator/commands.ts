import type { Fleet } from './fleet.ts'
import { parseFaults } from './options.ts'
import type { Stats, Which } from './orders.ts'

const whichOf = (text: string | undefined): Which => {
  if (text === undefined || text === 'all') return 'all'
  if (!/^[\d.]+$/.test(text)) return text.split(',')
  const share = Number(text)
  if (!(share >= 0 && share <= 1)) throw new Error(`${text} is no share; allowed: 0 to 1, all, or names`)
  return share
}

/** One line for people. */
export const statsText = (stats: Stats): string => {
  const { agents, sessions, lives, started, ended, settled, lost } = stats
  const faults = Object.entries(stats.faults).filter(([, count]) => count > 0)
  return [
    `${sessions} of ${agents} agents have a session, ${lives} lives`,
    `calls: ${started} started, ${ended} ended, ${settled} settled, ${lost} lost`,
    `${Math.round(stats.residentBytes / 2 ** 20)} MiB, ${stats.openFiles} files, ${Math.round(stats.cpuMs / 1_000)} s of CPU`,
    ...(faults.length > 0 ? [faults.map(([name, count]) => `${name} ${count}`).join(', ')] : []),
    ...(Object.keys(stats.ends).length > 0 ? [`${Object.keys(stats.ends).length} agents ended by themselves`] : []),
  ].join('; ')
}

/** Does what one line of the running simulator says. Gives what to tell; throws with one line. */
export const obey = async (fleet: Fleet, line: string): Promise<string> => {
  const [verb = '', first, second] = line.trim().split(/\s+/)
  switch (verb) {
    case 'stats':
      return statsText(await fleet.stats())
    case 'faults':
      return `${await fleet.fault(whichOf(first), parseFaults(second ?? 'none'))} agents have these faults now`
    case 'crash':
    case 'cut':
    case 'half-open':
      return `${verb}: ${await fleet.strike(whichOf(first), verb)} agents`
    case 'kill':
      await fleet.kill(Number(first ?? Number.NaN))
      return `process ${first} is killed and started again`
    default:
      throw new Error(`no command ${JSON.stringify(verb)}; known: stats, faults, crash, cut, half-open, kill, stop`)
  }
}
