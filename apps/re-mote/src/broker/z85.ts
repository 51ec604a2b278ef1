const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** ZeroMQ's text form of a key (RFC 32/Z85): 32 bytes -> 40 characters. */
export const z85 = (bytes: Uint8Array): string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let text = ''
  for (let at = 0; at + 4 <= bytes.byteLength; at += 4) {
    let value = view.getUint32(at)
    let word = ''
    for (let digit = 0; digit < 5; digit += 1) {
      word = `${alphabet[value % 85]}${word}`
      value = Math.floor(value / 85)
    }
    text += word
  }
  return text
}
