import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform, totalmem } from 'node:os'
import { holds, reportLine, reportTable, type Report } from './report.ts'

export type ProofOptions = {
  /** Words for people, on standard error; standard output carries the report alone. */
  say(line: string): void
  flag(name: string): string | undefined
}
export type Proof = { readonly doc: string; run(options: ProofOptions): Promise<Report> }

/** `bench NAME`, `chaos NAME`: finds NAME, runs it, prints its report, keeps it in `results` and gives the exit code. */
export const runProof = async (
  proofs: Readonly<Record<string, () => Promise<Proof>>>,
  args: readonly string[],
  results: URL,
): Promise<number> => {
  const [name, ...rest] = args
  const known = Object.keys(proofs).join(', ')
  if (!name || name === '--help' || name === '-h') {
    process.stderr.write(`usage: NAME [--json] [--key value ...]; NAME is one of: ${known}\n`)
    return name ? 0 : 2
  }
  const load = proofs[name]
  if (!load) {
    process.stderr.write(`no ${name}; known: ${known}\n`)
    return 2
  }
  const flag = (key: string): string | undefined => {
    const at = rest.indexOf(`--${key}`)
    return at < 0 ? undefined : (rest[at + 1] ?? '')
  }
  const proof = await load()
  process.stderr.write(`${name}: ${proof.doc}\n`)
  const report = await proof.run({ say: line => process.stderr.write(`  ${line}\n`), flag })
  if (flag('keep') !== 'no') keep(results, report)
  process.stdout.write(rest.includes('--json') ? `${reportLine(report)}\n` : `${reportTable(report)}\n`)
  return holds(report) ? 0 : 1
}

/** The last results stay beside the benchmark, with what they were taken on; `more` are details that belong to them. */
export const keep = (results: URL, report: Report, more: Readonly<Record<string, unknown>> = {}): void => {
  mkdirSync(results, { recursive: true })
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
  }
  const at = new Date().toISOString()
  const text = JSON.stringify({ ...report, holds: holds(report), at, machine, ...more }, null, 2)
  writeFileSync(new URL(`${report.name.replaceAll(' ', '-')}.json`, results), `${text}\n`)
}
