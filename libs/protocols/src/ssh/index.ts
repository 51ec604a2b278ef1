/** What OpenSSH's files mean, without reading them: pure functions over their text. Sources: ssh_config(5) and sshd(8), SSH_KNOWN_HOSTS. */
export * from './config.ts'
export * from './known-hosts.ts'
export * from './resolve.ts'
