/** A file of its own in a bundle, read by an agent that enrols in its own process. */
export { askHere } from './ask.ts'
