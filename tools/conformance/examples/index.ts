import type { Family } from '../example.ts'
import { basic } from './basic.ts'

/** Every example there is. One whose machine goes down comes last. */
export const families: readonly Family[] = [basic]
