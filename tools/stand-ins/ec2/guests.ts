import { makeGuests as makePlainGuests } from '../shared/guests.ts'
import type { Machine } from './state.ts'

/** Guests of the stand-in; EC2 has user-data in base64. */
export const makeGuests = (...args: Parameters<typeof makePlainGuests>) => {
  const guests = makePlainGuests(...args)
  const plain = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64').toString())
  return {
    ...guests,
    onState: ({ id, state, userData }: Machine): void => guests.onState({ id, state, userData: plain(userData) }),
  }
}
