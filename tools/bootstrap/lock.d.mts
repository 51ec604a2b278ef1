/** Types of lock.mjs for the check and its test. */
export type LockedPackage = {
  version?: string
  dev?: boolean
  optional?: boolean
  optionalDependencies?: Record<string, string>
}
export type LockedPackages = Record<string, LockedPackage>
export function platformOf(name: string): { os: string[]; cpu: string[]; libc?: string[] } | null
export function missingFrom(packages: LockedPackages): { name: string; version: string; dev: boolean }[]
export function completed(packages: LockedPackages): LockedPackages
