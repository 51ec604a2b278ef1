/** A case about jobs, rows or workers, shown by a test of re-core or of the proof kit. */
export type Elsewhere = {
  readonly n: number
  readonly letters: string
  /** From the root. */
  readonly file: string
  /** A part of the test's full name. */
  readonly test: string
}

const lives = 'tools/chaos/lifecycle.heavy.test.ts'
const droplets = 'tools/stand-ins/digitalocean/provider.test.ts'
const holding = 'tools/provider-conformance/holding.heavy.test.ts'
const kvmHolding = 'tools/provider-conformance/kvm-holding.heavy.test.ts'
const parked = 'tools/provider-conformance/parked.heavy.test.ts'
const limiter = 'apps/re-core/src/limits/limiter.test.ts'

export const elsewhere: readonly Elsewhere[] = [
  { n: 9, letters: 'L', file: 'apps/re-core/src/jobs/worker.test.ts', test: 'create, stop, start, reload and destroy' },
  ...[9, 24].flatMap(n => [
    { n, letters: 'L', file: 'apps/re-core/src/jobs/crash.heavy.test.ts', test: 'killed at every single step' },
    { n, letters: 'F', file: lives, test: 'fake-ec2:' },
    { n, letters: 'D', file: lives, test: 'fake-do:' },
    { n, letters: 'T', file: 'tools/chaos/lifecycle-kvm.heavy.test.ts', test: 'libvirt:' },
  ]),
  { n: 15, letters: 'D', file: droplets, test: 'volumes: once by name' },
  { n: 16, letters: 'D', file: droplets, test: 'firewalls: made exactly so' },
  { n: 17, letters: 'D', file: droplets, test: 'keys: the same is one' },
  ...[21, 22].flatMap(n => [
    { n, letters: 'F', file: holding, test: `fake-ec2 ${n}:` },
    { n, letters: 'D', file: holding, test: `fake-do ${n}:` },
    { n, letters: 'T', file: kvmHolding, test: `libvirt ${n}:` },
  ]),
  ...[9, 22].map(n => ({ n, letters: 'K', file: kvmHolding, test: `qemu ${n}:` })),
  ...[9, 22].map(n => ({
    n,
    letters: 'M',
    file: 'tools/provider-conformance/other-ec2.heavy.test.ts',
    test: `other-ec2 ${n}:`,
  })),
  { n: 29, letters: 'FD', file: limiter, test: 'together they send what the limit allows' },
  { n: 29, letters: 'FD', file: limiter, test: 'what the provider tells one of them holds for the other' },
  { n: 32, letters: 'F', file: parked, test: 'fake-ec2 32: quota' },
  { n: 32, letters: 'D', file: parked, test: 'fake-do 32: quota' },
  { n: 33, letters: 'D', file: droplets, test: 'a droplet that was accepted and could not be made' },
  { n: 34, letters: 'F', file: holding, test: 'fake-ec2 34:' },
  { n: 35, letters: 'L', file: 'apps/re-core/src/jobs/beside.test.ts', test: '35: ' },
  { n: 35, letters: 'L', file: 'apps/re-core/src/jobs/crash.heavy.test.ts', test: '35: ' },
  { n: 35, letters: 'FD', file: 'tools/stand-ins/beside.heavy.test.ts', test: '35: the second volume' },
  { n: 41, letters: 'L', file: 'apps/re-core/src/http.test.ts', test: 'the enrolment token stands in the config' },
  { n: 41, letters: 'FD', file: 'tools/acceptance/canary.heavy.test.ts', test: 'none of them stands in a log' },
  { n: 41, letters: 'K', file: 'tools/acceptance/kvm-canary.heavy.test.ts', test: 'none of them stands in a log' },
  { n: 44, letters: 'K', file: 'tools/acceptance/guest-debian.heavy.test.ts', test: '44: cloud-init ran once' },
]

/** Cells that no test is led for, and why. */
export const cannot: readonly { readonly n: number; readonly letter: string; readonly why: string }[] = [
  { n: 40, letter: 'M', why: 'one account in one region of it is given' },
]
