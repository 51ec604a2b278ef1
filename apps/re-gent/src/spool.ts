/** A file of its own in a bundle: most agents never have an output that is too long for a result. */
export { openSpool } from '@re-ops/outputs/spool'
