/**
 * How processes with thousands of peers are started: a young generation that holds what is under way in all of them, so
 * that little of it is copied, and a heap of glibc's that is not given back to the kernel and fetched again with each
 * batch (page faults were a twentieth of their time).
 */
export const roomy = {
  execArgv: [...process.execArgv, '--max-semi-space-size=64'],
  env: { MALLOC_TRIM_THRESHOLD_: String(128 * 2 ** 20), MALLOC_TOP_PAD_: String(2 ** 20), ...process.env },
}
