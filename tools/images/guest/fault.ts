/** An image that cannot be made, in one line that says what is missing and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError'
}
