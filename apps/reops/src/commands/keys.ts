import type { KeysInfo, RotateKeys } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'

type Options = { readonly json?: boolean }

const show = ({ terminal, now }: Context, info: KeysInfo, options: Options): number => {
  if (options.json === true) {
    printJson(terminal, info)
    return 0
  }
  terminal.out(
    table(
      ['KIND', 'STATE', 'MADE', 'KEY'],
      info.keys.map(key => [
        key.kind,
        key.state,
        key.madeAt === null ? 'with the installation' : ago(key.madeAt, now()),
        key.publicKey,
      ]),
      { paint: terminal.paint, width: null },
    ),
  )
  terminal.out(`keyset ${info.serial}, good until ${info.notAfter.slice(0, 10)}\n`)
  return 0
}

export const listKeys = async (context: Context, options: Options): Promise<number> => {
  const { mote } = await context.client()
  return show(context, await mote.keys(), options)
}

export const rotateKeys = async (
  context: Context,
  kind: string,
  options: Options & { readonly step?: 'publish' | 'switch' | 'both' },
): Promise<number> => {
  if (kind !== 'server' && kind !== 'module') throw usage(`\`${kind}\` is no kind of key; allowed: server, module`)
  if (kind === 'module' && options.step !== undefined) throw usage('--step is for server keys')
  const body: RotateKeys = { kind, ...(options.step === undefined ? {} : { step: options.step }) }
  const { mote } = await context.client()
  return show(context, await mote.rotateKeys(body), options)
}

/** `last` is the server key that was replaced. */
const find = ({ keys }: KeysInfo, word: string): string => {
  const found =
    word === 'last'
      ? keys.filter(key => key.kind === 'server' && key.state === 'before')
      : keys.filter(key => key.publicKey.startsWith(word))
  const [only, another] = found
  if (!only)
    throw usage(
      word === 'last' ? 'no server key was replaced' : `no key begins with ${word}; \`reops keys\` shows them`,
    )
  if (another) throw usage(`${found.length} keys begin with ${word}; give more of it`)
  return only.publicKey
}

export const retireKey = async (context: Context, word: string, options: Options): Promise<number> => {
  const { mote } = await context.client()
  return show(context, await mote.retireKey(find(await mote.keys(), word)), options)
}
