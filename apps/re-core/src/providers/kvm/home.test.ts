import { expect, test } from '@jest/globals'
import { homeOf } from './home.ts'

const home = (url: string) => ({ url, token: 't', name: 'web', labels: {} })

test('a guest is told of re-mote by an address that means its host', () => {
  expect(homeOf({ network: 'user' }, home('http://127.0.0.1:7020'))?.url).toBe('http://10.0.2.2:7020')
  expect(homeOf({ network: 'user' }, home('http://localhost:7020'))?.url).toBe('http://10.0.2.2:7020')
  expect(homeOf({}, home('http://127.0.0.1:7020'))?.url).toBe('http://gateway.re-ops.invalid:7020')
  expect(homeOf({}, home('http://mote.example:7020'))?.url).toBe('http://mote.example:7020')
  expect(homeOf({ home: 'http://192.168.122.1:7020/' }, home('http://127.0.0.1:7020'))?.url).toBe(
    'http://192.168.122.1:7020',
  )
  expect(homeOf({}, null)).toBeNull()
})
