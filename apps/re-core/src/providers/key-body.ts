/** A public key in OpenSSH's form without its comment: what makes two of them the same. */
export const keyBody = (publicKey: string): string => publicKey.trim().split(/\s+/).slice(0, 2).join(' ')
