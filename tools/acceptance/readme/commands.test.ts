import { expect, test } from '@jest/globals'
import { commandsIn } from './commands.ts'

const text = `
# Title

\`\`\`sh
npm start   # everything; until Ctrl-C
npm test    # takes minutes

npx reops run x \\
  --on '*'    # not the first line
npx reops nothing    # wrong: exits 2
\`\`\`
\`\`\`ts
not typed
\`\`\`
\`\`\`sh
cat > a.ts <<'END'
const a = 1 // exits 7

END
curl -s http://127.0.0.1
npm run -s ssh-host    # needs sshd (Debian: openssh-server); until Ctrl-C
\`\`\`
`

test('commands are told apart, here-documents and continued lines whole, and say what they come to', () => {
  const plain = { exits: 0, stays: false, takesMinutes: false, needs: [] }
  expect(commandsIn(text)).toEqual([
    { ...plain, text: 'npm start   # everything; until Ctrl-C', line: 5, stays: true },
    { ...plain, text: 'npm test    # takes minutes', line: 6, takesMinutes: true },
    { ...plain, text: "npx reops run x \\\n  --on '*'    # not the first line", line: 8 },
    { ...plain, text: 'npx reops nothing    # wrong: exits 2', line: 10, exits: 2 },
    { ...plain, text: "cat > a.ts <<'END'\nconst a = 1 // exits 7\n\nEND", line: 16 },
    { ...plain, text: 'curl -s http://127.0.0.1', line: 20, needs: ['curl'] },
    {
      ...plain,
      text: 'npm run -s ssh-host    # needs sshd (Debian: openssh-server); until Ctrl-C',
      line: 21,
      stays: true,
      needs: ['sshd'],
    },
  ])
})
