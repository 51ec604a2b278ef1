/** Types of installed.mjs for its test. */
export type Packages = Record<string, { version?: string; optional?: boolean }>
export function satisfies(locked: Packages, installed: Packages): boolean
export function packageCount(root: string): number
export function isInstalled(root: string): boolean
export function markInstalled(root: string): void
