import { Option } from 'commander'
import { examples, listOf, merged, providers, type Kit } from './kit.ts'

/** `reops accounts`. */
export const addAccounts = ({ program, context, done, add }: Kit): void => {
  const accounts = add(program, 'accounts', 'accounts at providers; secrets by reference alone')
    .usage('[options] | list | show <name> | set <name> | verify <name> | remove <name>')
    .action((options: object) => done(import('../commands/accounts.ts').then(m => m.listAccounts(context, options))))
    .addHelpText('after', examples('reops accounts', 'reops accounts verify aws'))
  add(accounts, 'list', 'the accounts, and whether they work')
    .action((options: object) =>
      done(import('../commands/accounts.ts').then(m => m.listAccounts(context, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts list --json'))
  add(accounts, 'show', 'what an account has and may have, and what is wrong with it')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/accounts-show.ts').then(m => m.showAccount(context, name, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts show aws'))
  add(accounts, 'set', 'save an account, or change it; its credentials are tried first')
    .argument('<name>')
    .argument('[setting...]', 'of the provider: key=value, or key:=json')
    .addOption(new Option('--provider <provider>', 'whose account it is').choices(providers))
    .option('--region <region>', 'may be given again; the first is the default', listOf)
    .option('--secret <reference>', 'where the secret is for re-core: secret:NAME, file:/path or env:NAME')
    .option('--max-systems <n>', 'creates above so many are refused; `none` takes the limit away')
    .action((name: string, settings: string[], options: object) =>
      done(
        import('../commands/accounts.ts').then(m =>
          m.setAccount(context, [name, ...settings], merged(accounts, options)),
        ),
      ),
    )
    .addHelpText(
      'after',
      examples(
        'reops accounts set aws --provider ec2 --region eu-central-1 --secret file:/etc/re-ops/aws',
        'reops accounts set aws --region eu-central-1,eu-west-1',
        'reops accounts set aws --max-systems 50',
        'reops accounts set aws securityGroups:=\'["sg-0123"]\'',
      ),
    )
  add(accounts, 'verify', 'try its credentials again')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/accounts.ts').then(m => m.verifyAccount(context, name, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts verify aws'))
  add(accounts, 'remove', 'forget an account that has no systems; asks first')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action((name: string, options: object) =>
      done(import('../commands/accounts.ts').then(m => m.removeAccount(context, name, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts remove aws'))
}
