/** Set-ups that examples share. A failing look at the machine is made by taking away what the operation looks with, or at. */

/** Takes programs away, and puts them back. */
export const without = (...programs: string[]) => ({
  setUp: programs.map(name => `if p=$(command -v ${name}); then mv "$p" "$p.away"; fi`).join('\n'),
  cleanUp: `for p in /usr/bin/*.away /usr/sbin/*.away /bin/*.away /sbin/*.away /usr/local/bin/*.away; do
  if [ -e "$p" ]; then mv "$p" "\${p%.away}"; fi
done`,
})

/** A file of the kernel that says something else (nothing at all, if not told). */
export const saying = (path: string, text = '') => ({
  setUp: `printf '%s' '${text}' >/scratch/said; mount --bind /scratch/said ${path}`,
  cleanUp: `umount ${path}`,
})

/** A server or the like that runs meanwhile, as a unit of this name. */
export const running = (unit: string, command: string) =>
  `systemctl reset-failed ${unit} 2>/dev/null || :; systemd-run --quiet --unit ${unit} -p KillMode=mixed ${command}`
export const stopping = (...units: string[]) => `systemctl stop ${units.join(' ')}`

/** Waits until a port of the machine answers. */
export const portOpens = (port: number) =>
  `n=0; until bash -c ': </dev/tcp/127.0.0.1/${port}' 2>/dev/null; do n=$((n + 1)); [ $n -lt 200 ]; sleep 0.05; done`
