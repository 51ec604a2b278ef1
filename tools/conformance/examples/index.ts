import type { Family } from '../example.ts'
import { basic } from './basic.ts'
import { contents } from './contents.ts'
import { cron } from './cron.ts'
import { disk } from './disk.ts'
import { docker } from './docker.ts'
import { download, file } from './file.ts'
import { git } from './git.ts'
import { host, reboot } from './host.ts'
import { metrics } from './metrics.ts'
import { network, wait } from './network.ts'
import { packages } from './package.ts'
import { processes } from './process.ts'
import { restic } from './restic.ts'
import { certificates, security } from './security.ts'
import { services } from './service.ts'
import { system } from './system.ts'
import { users } from './user.ts'
import { osquery, zfs } from './zfs.ts'

/** Every example there is. Those whose machine goes down come last. */
export const families: readonly Family[] = [
  basic,
  contents,
  cron,
  disk,
  docker,
  file,
  download,
  git,
  host,
  metrics,
  network,
  wait,
  packages,
  processes,
  restic,
  certificates,
  security,
  services,
  system,
  users,
  osquery,
  zfs,
  reboot,
]
