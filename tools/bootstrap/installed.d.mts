/** Types of installed.mjs for its test. */
export type Packages = Record<string, { version?: string; optional?: boolean; dev?: boolean; devOptional?: boolean }>
export type Level = 'product' | 'all'
export function satisfies(locked: Packages, installed: Packages, level?: Level): boolean
export function packageCount(root: string): number
export function isInstalled(root: string, level?: Level): boolean
export function markInstalled(root: string, level?: Level): void
