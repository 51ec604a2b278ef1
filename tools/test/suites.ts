import { constants } from 'node:fs'
import { whyNotHere } from '../conformance/why-not.ts'
import { whyNoImages } from '../images/guest/needs.ts'
import { allOf, aptHas, askedBy, docker, file, namespaces, nothing, program, root, type Need } from './needs.ts'

/** A heavy suite: which files, what it shows, what it needs of the machine. */
export type Suite = {
  readonly name: string
  /** A regular expression over paths from the root. */
  readonly files: string
  readonly doc: string
  readonly needs: Need
  readonly limitMs: number
  /** Its files wait more than they work: two at a time. */
  readonly inPairs?: true
}

const minutes = (n: number) => n * 60_000

/** Run one after the other, in this order. A `*.heavy.test.ts` that no row names runs at the end and needs nothing. */
export const suites: readonly Suite[] = [
  {
    name: 'bootstrap',
    files: 'tools/bootstrap/.*\\.heavy\\.test\\.ts$',
    doc: 'a copy of the repository, from nothing installed to first results',
    needs: allOf(program('npm'), program('git')),
    limitMs: minutes(8),
  },
  {
    name: 'readme',
    files: 'tools/acceptance/readme\\.heavy\\.test\\.ts$',
    doc: "the README's commands, typed in an empty folder",
    needs: allOf(program('npm'), program('git'), program('bash')),
    limitMs: minutes(14),
  },
  {
    name: 'supervisor',
    files: 'tools/supervisor/.*\\.heavy\\.test\\.ts$',
    doc: 'npm start as an operator lives with it',
    needs: nothing,
    limitMs: minutes(8),
  },
  {
    name: 'chaos',
    files: 'tools/(chaos/(?!partition|lifecycle)|proof/|bench/).*\\.heavy\\.test\\.ts$',
    doc: 'kill -9 at random under load; each seeded bug is caught',
    needs: nothing,
    limitMs: minutes(25),
  },
  {
    name: 'providers',
    files:
      'tools/(chaos/lifecycle|provider-conformance/(local|ec2|other-ec2|digitalocean|lives-(crowds|ec2|digitalocean)|holding|parked)|acceptance/(ec2|digitalocean)|stand-ins/beside)\\.heavy\\.test\\.ts$',
    doc: 'the numbered cases, and kill -9 at each step of a life: local machines, and EC2 and DigitalOcean as stand-ins',
    needs: nothing,
    limitMs: minutes(15),
    inPairs: true,
  },
  {
    name: 'partition',
    files: 'tools/chaos/partition\\.heavy\\.test\\.ts$',
    doc: 'two network namespaces that part and heal; copies of a host are kept out',
    needs: allOf(root, program('ip'), program('pgrep'), namespaces),
    limitMs: minutes(10),
  },
  {
    name: 'rollout',
    files: 'tools/simulator/.*\\.heavy\\.test\\.ts$',
    doc: 'a rollout over a simulated fleet, its service killed in the middle',
    needs: nothing,
    limitMs: minutes(8),
  },
  {
    name: 'ssh',
    files: 'apps/re-mote/src/ssh/.*\\.heavy\\.test\\.ts$',
    doc: 'hosts over SSH on real sshd; sudo and passwords with a user of its own',
    needs: allOf(file('/usr/sbin/sshd', constants.R_OK), program('ssh-keygen'), program('ssh')),
    limitMs: minutes(12),
  },
  {
    name: 'physical',
    files: 'tools/stand-ins/physical\\.heavy\\.test\\.ts$',
    doc: 'machines that are woken by a packet and shut down over a real sshd',
    needs: allOf(file('/usr/sbin/sshd', constants.R_OK), program('ssh-keygen')),
    limitMs: minutes(5),
  },
  {
    name: 'agents',
    files: 'tools/acceptance/(agents.*|canary-ssh)\\.heavy\\.test\\.ts$',
    doc: 'agents put onto hosts over SSH, upgraded, rolled back, taken away; a secret wherever SSH is given one',
    needs: allOf(root, file('/usr/sbin/sshd', constants.R_OK), program('ssh-keygen')),
    limitMs: minutes(12),
  },
  {
    name: 'acceptance',
    files: '(tools/acceptance/(agent|files|output|live|canary(-away)?)|apps/re-mote/src/replicas)\\.heavy\\.test\\.ts$',
    doc: 'bundled agents, live code, files and long outputs over both transports, several services on one Postgres',
    needs: nothing,
    limitMs: minutes(10),
  },
  {
    name: 'kvm conformance',
    files: 'tools/(provider-conformance/(lives-)?kvm|chaos/lifecycle-kvm).*\\.heavy\\.test\\.ts$',
    doc: "the numbered cases of the provider port on libvirt's test driver and on real QEMU; workers killed at steps",
    needs: allOf(file('/usr/sbin/libvirtd', constants.R_OK), program('qemu-img'), program('qemu-system-x86_64')),
    limitMs: minutes(8),
  },
  {
    name: 'libvirt',
    files: '(libs/node-libvirt|apps/re-core/src/providers/kvm|tools/acceptance/kvm).*\\.heavy\\.test\\.ts$',
    doc: 'a private libvirtd without privileges: machines, volumes, streams, events, ssh; provider kvm killed at each step',
    needs: allOf(
      file('/usr/sbin/libvirtd', constants.R_OK),
      program('qemu-img'),
      program('virt-ssh-helper'),
      file('/usr/sbin/sshd', constants.R_OK),
      program('setpriv'),
    ),
    limitMs: minutes(5),
  },
  {
    name: 'guest',
    files: 'tools/acceptance/guest\\.heavy\\.test\\.ts$',
    doc: 'an image made of Debian packages; a machine of it boots, calls home, works, and is destroyed',
    needs: allOf(
      whyNoImages,
      file('/usr/sbin/libvirtd', constants.R_OK),
      program('qemu-system-x86_64'),
      aptHas('linux-image-cloud-amd64'),
    ),
    limitMs: minutes(10),
  },
  {
    name: 'guest debian',
    files: 'tools/acceptance/guest-debian\\.heavy\\.test\\.ts$',
    doc: 'case 44: systemd and cloud-init in an image made of Debian packages, until all they were told is done',
    needs: allOf(
      askedBy('REOPS_GUEST_DEBIAN', 'it takes three minutes and more on an emulated CPU'),
      () => whyNoImages(true),
      file('/usr/sbin/libvirtd', constants.R_OK),
      program('qemu-system-x86_64'),
      aptHas('linux-image-cloud-amd64'),
    ),
    limitMs: minutes(60),
  },
  {
    name: 'conformance',
    files: 'tools/conformance/.*\\.heavy\\.test\\.ts$',
    doc: 'every operation over both transports on one real machine, compared',
    needs: whyNotHere,
    limitMs: minutes(16),
  },
  {
    name: 'stand-ins',
    files: 'tools/stand-ins/(?!beside|physical).*\\.heavy\\.test\\.ts$',
    doc: 'the stand-in for DigitalOcean, held to the official description',
    needs: nothing,
    limitMs: minutes(8),
  },
  {
    name: 'compose',
    files: '(tools/images|deploy)/.*\\.heavy\\.test\\.ts$',
    doc: 'docker-compose.yml on images built here',
    needs: allOf(docker, program('debootstrap')),
    limitMs: minutes(15),
  },
]

/** Rows for the files that are there; files that no row names get one of their own. */
export const plan = (
  rows: readonly Suite[],
  heavyFiles: readonly string[],
): readonly { suite: Suite; files: readonly string[] }[] => {
  const named = rows.map(suite => ({ suite, files: heavyFiles.filter(path => new RegExp(suite.files).test(path)) }))
  const rest = heavyFiles.filter(path => !named.some(one => one.files.includes(path)))
  const other = { name: 'other', files: '', doc: 'heavy suites without a row', needs: nothing, limitMs: minutes(15) }
  return [...named, { suite: other, files: rest }].filter(one => one.files.length > 0)
}
