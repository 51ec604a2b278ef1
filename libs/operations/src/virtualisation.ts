/**
 * What the host runs in. systemd-detect-virt knows best; where it is absent (Alpine, small containers) the marks it looks for
 * first are looked at here: container files, then what the firmware says of itself, then the processor's hypervisor flag.
 */
export const virtualisationScript = `echo "== virt"; systemd-detect-virt 2>/dev/null
echo "== hints"
[ -e /.dockerenv ] && echo docker
[ -e /run/.containerenv ] && echo podman
cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name 2>/dev/null
grep -q -m 1 "^flags.* hypervisor" /proc/cpuinfo && echo hypervisor`

const marks: readonly (readonly [RegExp, string])[] = [
  [/^docker$/m, 'docker'],
  [/^podman$/m, 'podman'],
  [/^Amazon EC2$/m, 'amazon'],
  [/KVM|QEMU|DigitalOcean|Google|OpenStack/, 'kvm'],
  [/VMware/, 'vmware'],
  [/innotek|VirtualBox/, 'oracle'],
  [/Microsoft Corporation[\s\S]*Virtual Machine/, 'microsoft'],
  [/^Xen$/m, 'xen'],
  [/^hypervisor$/m, 'vm-other'],
]

export const virtualisation = (detected: string, hints: string): string =>
  detected.split('\n')[0]?.trim() || (marks.find(([mark]) => mark.test(hints))?.[1] ?? 'none')
